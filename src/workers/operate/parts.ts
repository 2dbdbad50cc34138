import type { Seam } from "../../queue/seam.ts";
import type { Shell } from "../job.ts";
import type { CompareParts } from "../look/compare.ts";
import type { Teller } from "../tell.ts";

/** What operations need. */
export interface OperateParts extends CompareParts {
  readonly shell: Shell;
  readonly queue: Pick<Seam, "operations" | "turn" | "looks" | "letters" | "claims" | "journal" | "locks">;
  readonly teller: Teller;
  readonly concurrency: number;
}
