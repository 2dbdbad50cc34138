import { createHash } from "node:crypto";
import { idFrom } from "./schema.ts";

/** An operation's id as Swish wants the ids of its instructions: 32 hexadecimal digits, upper case; always the same for the same operation. */
export function instructionId(operation: string): string {
  return idFrom(operation) ?? createHash("sha256").update(operation, "utf8").digest("hex").slice(0, 32).toUpperCase();
}
