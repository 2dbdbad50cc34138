import { decimalFromMinor, minorFromDecimal, sum } from "../../lib/money.ts";
import type { Json, Minor } from "../../contract/adapter.ts";
import type {
  Kernel,
  Routes,
  SimulatedAction,
  SimulatedAnswer,
  SimulatedCall,
  SimulatedHeld,
  Simulation,
  StatedMoney,
} from "../../contract/simulator.ts";
import { instructionId } from "./instruction.ts";
import { currency, type ErrorCode, idFrom, type Payment, type Refund } from "./schema.ts";

const second = 1_000;

/** The merchant's Swish number at the simulated Swish. */
const payeeAlias = "1230000000";

/**
 * The simulated merchant's certificate: for demos and tests alone, trusted by nobody, its key published here. Below TLS nobody sees it, so that
 * whose it is shows by the number alone.
 */
const certificate = `-----BEGIN CERTIFICATE-----
MIIB9TCCAZugAwIBAgIBBDAKBggqhkjOPQQDAjBWMRkwFwYDVQQKDBBub3JjZS1w
c3Atd29ya2VyMSUwIwYDVQQLDBx0ZXN0cyBvbmx5IHRydXN0ZWQgYnkgbm9ib2R5
MRIwEAYDVQQDDAlhdXRob3JpdHkwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEw
MDAwMDBaMFcxGTAXBgNVBAoMEG5vcmNlLXBzcC13b3JrZXIxJTAjBgNVBAsMHHRl
c3RzIG9ubHkgdHJ1c3RlZCBieSBub2JvZHkxEzARBgNVBAMMCm1lcmNoYW50LTEw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARFqYIYTZ827to2T6fZxVZAG2TXubMg
wbNqH0YGOw7I2T0vJxFYLrvzRH0aevEov49hnui8i8NITCs95hBhChH8o1cwVTAT
BgNVHSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQUlbnRhePMh3JvufdEfptaCf7y
fcowHwYDVR0jBBgwFoAU02+l//V4bKWL1lFUZsvc8yn0A5YwCgYIKoZIzj0EAwID
SAAwRQIhAMBDRVDQcBFWcamQRi+OKPTDQ3ol/sBheztoqX/PGAiBAiAZ2vhDQtOe
wb3Ee3Bb3+PhZQaDc1oj51sG710whvBZlg==
-----END CERTIFICATE-----
`;
const privateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/finZ1Gz57Cx7Hj2
DenhHo/A8oJGLaFMWoKDdcGrt8ChRANCAARFqYIYTZ827to2T6fZxVZAG2TXubMg
wbNqH0YGOw7I2T0vJxFYLrvzRH0aevEov49hnui8i8NITCs95hBhChH8
-----END PRIVATE KEY-----
`;

/** Up to ten tries with growing pauses, over in minutes (docs/psp/swish.md, c). */
const schedule = [0, 5, 15, 35, 75, 135, 195, 255, 315, 375].map((seconds) => seconds * second);

/** A refund as Swish holds it. */
interface HeldRefund {
  readonly id: string;
  readonly amount: Minor;
  readonly dateCreated: string;
  status: Refund["status"];
  datePaid?: string;
  errorCode?: ErrorCode;
  /** Its callback was sent to nobody who asked: another system of the merchant's made it. */
  readonly elsewhere: boolean;
  /** Somebody asked what became of it. */
  seen: boolean;
}

/** A payment request as Swish holds it. */
interface Held extends SimulatedHeld {
  readonly dateCreated: string;
  status: Payment["status"];
  datePaid?: string;
  errorCode?: ErrorCode;
  paymentReference?: string;
  readonly refunds: HeldRefund[];
}

type Action = SimulatedAction<Held>;

/** Swish with a memory. */
export function simulate(kernel: Kernel<Held>): Simulation<Held> {
  return {
    settings: () => ({ payeeAlias, certificate, privateKey }),
    currencies: [currency],
    routes: routesOf(kernel),
    open: (payment) => ({
      payment,
      reference: instructionId(payment.uuid()),
      dateCreated: kernel.time(),
      status: "CREATED",
      refunds: [],
    }),
    actions: { ...shopperOf(kernel), ...bankOf(kernel), ...merchantOf(kernel) },
    money: moneyIn,
    describe: ({ status, errorCode = "-", refunds }) =>
      `${status} ${errorCode}, refunds: ${refunds.map((one) => `${one.status} ${one.amount}`).join(", ") || "none"}`,
  };
}

/** What the shopper does in the app, and what ends a request without one. */
function shopperOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const possible = ({ status }: Held): boolean => status === "CREATED";
  const end = (status: Payment["status"], errorCode?: ErrorCode): Action => ({
    possible,
    act(held) {
      Object.assign(held, { status, ...(errorCode === undefined ? {} : { errorCode }) });
      announce(held, "payment", shown(held));
    },
  });
  return {
    "pay-auto-captured": { possible, act: (held) => pay(kernel, held) },
    decline: end("DECLINED"),
    abandon: end("CANCELLED"),
    "stop-signing": end("ERROR", "BANKIDCL"),
    "refuse-by-bank": end("ERROR", "RF07"),
    fail: end("ERROR", "FF10"),
    expire: end("ERROR", "TM01"),
    // After it was started: nobody knows whether the money moved.
    "lose-track": end("ERROR", "DS24"),
  };
}

function pay(kernel: Kernel<Held>, held: Held): void {
  const { payment } = held;
  delete held.errorCode;
  Object.assign(held, {
    status: "PAID",
    datePaid: kernel.time(),
    paymentReference: instructionId(payment.uuid()),
  });
  announce(held, "payment", shown(held));
}

/** What banks do, with time. */
function bankOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const waiting = ({ refunds }: Held) => refunds.find(({ status }) => status === "VALIDATED" || status === "DEBITED");
  const move = (change: () => Partial<HeldRefund>): Action => ({
    possible: (held) => waiting(held) !== undefined,
    act(held) {
      const refund = waiting(held);
      if (refund === undefined) return;
      Object.assign(refund, change());
      announce(held, "refund", shownRefund(refund, held));
    },
  });
  return {
    "find-paid": { possible: ({ errorCode }) => errorCode === "DS24", act: (held) => pay(kernel, held) },
    "execute-refund": move(() => ({ status: "PAID", datePaid: kernel.time() })),
    "fail-refund": move(() => ({ status: "ERROR", errorCode: "AM04" })),
  };
}

/**
 * What another system of the merchant's does with our callback URL. Nothing at Swish tells of it but that callback: it makes its next refund
 * when the last one has been heard of.
 */
function merchantOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const refund = (status: "PAID" | "VALIDATED"): Action => ({
    possible: (held) => refundableIn(held) > 0 && !isBusy(held) && held.refunds.every(({ seen }) => seen),
    amount: { most: refundableIn },
    act(held, amount) {
      const id = instructionId(held.payment.uuid());
      const made = makeRefund(kernel, held, { id, amount, status, elsewhere: true });
      if (status === "PAID") made.datePaid = kernel.time();
      announce(held, "refund", shownRefund(made, held));
    },
  });
  return { refund: refund("PAID"), "begin-refund": refund("VALIDATED") };
}

function makeRefund(
  kernel: Kernel<Held>,
  held: Held,
  { id, amount, status, elsewhere }: Pick<HeldRefund, "id" | "amount" | "status" | "elsewhere">,
): HeldRefund {
  const made: HeldRefund = { id, amount, status, elsewhere, dateCreated: kernel.time(), seen: !elsewhere };
  held.refunds.push(made);
  return made;
}

/** Swish's API. Only what is peculiar to a request is checked as strictly as Swish does. */
function routesOf(kernel: Kernel<Held>): Routes {
  const refundIn = (id: string): { readonly held: Held; readonly refund: HeldRefund } | undefined =>
    kernel
      .all()
      .flatMap((held) => held.refunds.map((refund) => ({ held, refund })))
      .find(({ refund }) => refund.id === id);
  return {
    "GET /api/v1/paymentrequests/{id}"({ part }) {
      const held = kernel.find(part("id"));
      return held === undefined ? { status: 404 } : { status: 200, body: shown(held) };
    },
    "GET /api/v1/refunds/{id}"({ part }) {
      const found = refundIn(part("id"));
      if (found === undefined) return { status: 404 };
      found.refund.seen = true;
      return { status: 200, body: shownRefund(found.refund, found.held) };
    },
    "PUT /api/v2/refunds/{id}"(call) {
      const id = call.part("id");
      // The id has to be one, in upper case, and nobody's yet.
      if (idFrom(id) !== id) return refused("RP02");
      if (refundIn(id) !== undefined) return refused("RP09");
      return refundFrom(kernel, id, call);
    },
  };
}

/** A refund that is asked for: checked in Swish's order, debited at once, paid when the bank has done it. */
function refundFrom(kernel: Kernel<Held>, id: string, { fields }: SimulatedCall): SimulatedAnswer {
  if (fields["payerAlias"] !== payeeAlias) return { status: 403 };
  if (typeof fields["callbackUrl"] !== "string" || !URL.canParse(fields["callbackUrl"])) return refused("RP03");
  if (fields["currency"] !== currency) return refused("AM03");
  // By the bank's reference alone: a payment's own id is unknown here.
  const held = kernel.all().find(({ paymentReference }) => paymentReference === fields["originalPaymentReference"]);
  if (held?.paymentReference === undefined) return refused("RF02");
  const amount = minorFromDecimal(String(fields["amount"]), currency);
  if (amount === undefined || amount <= 0) return refused("PA02");
  if (isBusy(held)) return refused("RF09");
  if (amount > refundableIn(held)) return refused("RF08");
  const made = makeRefund(kernel, held, { id, amount, status: "DEBITED", elsewhere: false });
  announce(held, "refund", shownRefund(made, held));
  return { status: 201, headers: { location: `${kernel.apiUrl()}/api/v1/refunds/${id}` } };
}

/** One refund of a payment at a time. */
function isBusy({ refunds }: Held): boolean {
  return refunds.some(({ status }) => status === "VALIDATED");
}

function announce({ payment }: Held, webhook: "payment" | "refund", body: Json): void {
  payment.send({ webhook, body, schedule, delivered: ({ status }) => status === 200 });
}

function refundableIn({ status, payment: { purchase }, refunds }: Held): Minor {
  return status === "PAID"
    ? purchase.amount -
        sum(
          refunds.filter((one) => one.status !== "ERROR"),
          worth,
        )
    : 0;
}

function worth({ amount }: HeldRefund): Minor {
  return amount;
}

function moneyIn({ status, payment: { purchase }, refunds }: Held): StatedMoney | null {
  if (status !== "PAID") return null;
  const refunded = sum(
    refunds.filter((one) => one.status === "PAID"),
    worth,
  );
  return { authorized: purchase.amount, captured: purchase.amount, refunded, released: 0, currency };
}

/** As payments say it: the amount a number, times in UTC. */
function shown({ payment, reference, status, dateCreated, datePaid, errorCode, paymentReference }: Held): Json {
  const { purchase } = payment;
  return {
    id: reference,
    payeePaymentReference: purchase.paymentId,
    paymentReference: paymentReference ?? null,
    callbackUrl: purchase.callbackUrls["payment"] ?? "",
    payerAlias: "46701234567",
    payeeAlias,
    amount: Number(decimalFromMinor(purchase.amount, currency)),
    currency,
    message: "An order",
    status,
    dateCreated,
    datePaid: datePaid ?? null,
    errorCode: errorCode ?? null,
    errorMessage: errorCode === undefined ? "" : "a sentence for people",
  };
}

/** As refunds say it: the amount a text, times with an offset that has no colon. */
function shownRefund({ id, amount, status, dateCreated, datePaid, errorCode }: HeldRefund, held: Held): Json {
  return {
    id,
    originalPaymentReference: held.paymentReference ?? null,
    payerPaymentReference: null,
    paymentReference: status === "PAID" ? instructionId(`bank ${id}`) : null,
    payerAlias: payeeAlias,
    payeeAlias: "46701234567",
    amount: decimalFromMinor(amount, currency),
    currency,
    message: "",
    status,
    dateCreated: inSweden(dateCreated),
    datePaid: datePaid === undefined ? null : inSweden(datePaid),
    errorCode: errorCode ?? null,
    errorMessage: "",
  };
}

/** In winter time. */
function inSweden(time: string): string {
  return new Date(Date.parse(time) + 3_600 * second).toISOString().replace("Z", "+0100");
}

function refused(errorCode: string): SimulatedAnswer {
  return { status: 422, body: [{ errorCode, errorMessage: "a sentence for people", additionalInformation: null }] };
}
