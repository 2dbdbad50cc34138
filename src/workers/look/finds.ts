/** What looks found that a person should see, from one look to the next: what a later one does not find any more is resolved. Pure. */
import { calmNames } from "../../queue/ledger.ts";
import type { Came, Next } from "../retry.ts";
import type { Found } from "../found.ts";
import type { Outcome } from "./outcome.ts";

/** Finds that are carried on, and those that are gone. */
export interface Finds {
  readonly found: readonly string[];
  readonly resolved: readonly string[];
}

/** A payment has few; further ones are told, and not followed. */
const most = 10;

/** @param before what the look before had found. A look that came to no end finds nothing gone. */
export function findsOf(came: Came<Outcome>, step: Next, before: readonly string[] = []): Finds {
  const outcome = "outcome" in came ? came.outcome : undefined;
  const buried = step.do === "bury" ? step.grave.context["reason"] : undefined;
  const now = [
    ...(outcome?.found ?? []).filter(({ name }) => !calmNames.has(name)).map(findId),
    ...(typeof buried === "string" ? [buried] : []),
  ];
  const whole = outcome?.is === "written" || outcome?.is === "unchanged";
  const found = [...new Set(whole ? now : [...before, ...now])].slice(0, most);
  return { found, resolved: whole ? before.filter((one) => !now.includes(one)) : [] };
}

/** Name and id in one text. */
function findId({ name, id }: Pick<Found, "name" | "id">): string {
  return id === undefined ? name : `${name} ${id}`;
}

/** What was found, by its text. */
export function findOf(text: string): Pick<Found, "name" | "id"> {
  const [name = "", ...id] = text.split(" ");
  return { name, ...(id.length === 0 ? {} : { id: id.join(" ") }) };
}
