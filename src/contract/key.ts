/** Names one payment of one merchant: what a webhook, a timer or an operator asks to look at. */
export interface PaymentKey {
  /** Adapter folder, `klarna-checkout`. */
  readonly adapter: string;
  /** Norce's `x-merchant`. */
  readonly merchant: string;
  /** Norce's `x-channel`. */
  readonly channel: string;
  readonly orderId: string;
  readonly paymentId: string;
}

/** Whose webhook it is, from its URL. Order and payment are absent in account-level URLs. */
export type Target = Omit<PaymentKey, "orderId" | "paymentId"> & Partial<Pick<PaymentKey, "orderId" | "paymentId">>;
