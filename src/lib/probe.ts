import { type ErrorKind, isWorkerError } from "./errors.ts";

/** What a harmless question came to: the peer takes the credential, refuses it, or did not answer. */
export interface Probed {
  readonly is: "works" | "refused" | "unreachable";
  /** One sentence for people, without a secret. */
  readonly says: string;
}

/** The kinds of answers that are a word about the credential. A 403 is one, where the adapter's client does not say what else it means. */
const usualRefusals: readonly ErrorKind[] = ["Unauthorized", "Refused"];

/**
 * Asks something harmless with a credential. An answer that cannot be read is one all the same: the credential was taken.
 * @param peer who is asked, `Klarna`. @param credential what it is asked with, in a setting's name.
 * @param refusals which answers mean that the credential is not taken, where not all refusals do.
 * @throws nothing but bugs.
 */
export async function probeBy(
  peer: string,
  credential: string,
  ask: () => Promise<unknown>,
  refusals: readonly ErrorKind[] = usualRefusals,
): Promise<Probed> {
  try {
    await ask();
  } catch (error) {
    if (!isWorkerError(error)) throw error;
    if (refusals.includes(error.kind)) return { is: "refused", says: `${peer} does not take ${credential}` };
    if (error.kind !== "Unmapped" && error.kind !== "Conflict")
      return { is: "unreachable", says: `${peer} did not answer when asked with ${credential}` };
  }
  return { is: "works", says: `${peer} takes ${credential}` };
}

/** A PSP's own hosts: those for real money, and those for tests. */
export interface Hosts {
  readonly live: readonly string[];
  readonly test: readonly string[];
}

/** Whether an address is for real money, by the PSP's own hosts; `undefined` for any other, such as a simulator's. */
export function liveAt(url: string, { live, test }: Hosts): boolean | undefined {
  const hostname = URL.parse(url)?.hostname ?? "";
  const isOf = (hosts: readonly string[]): boolean =>
    hosts.some((host) => hostname === host || hostname.endsWith(`.${host}`));
  if (isOf(test)) return false;
  return isOf(live) ? true : undefined;
}
