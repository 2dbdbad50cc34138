import { isWorkerError } from "./errors.ts";

/** What a harmless question came to: the peer takes the credential, refuses it, or did not answer. */
export interface Probed {
  readonly is: "works" | "refused" | "unreachable";
  /** One sentence for people, without a secret. */
  readonly says: string;
}

/**
 * Asks something harmless with a credential. An answer that cannot be read is one all the same: the credential was taken.
 * @param peer who is asked, `Klarna`. @param credential what it is asked with, in a setting's name.
 * @throws nothing but bugs.
 */
export async function probeBy(peer: string, credential: string, ask: () => Promise<unknown>): Promise<Probed> {
  try {
    await ask();
  } catch (error) {
    if (!isWorkerError(error)) throw error;
    if (error.kind === "Unreachable")
      return { is: "unreachable", says: `${peer} did not answer when asked with ${credential}` };
    if (error.kind === "Unauthorized" || error.kind === "Refused")
      return { is: "refused", says: `${peer} does not take ${credential}` };
  }
  return { is: "works", says: `${peer} takes ${credential}` };
}
