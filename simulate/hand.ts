/** One process of a crew: runs the worlds that it is told to, one after the other. */
import "./edge.ts";
import type { Errand, Report } from "./crew.ts";

const { ownSeconds } = await import("./crew.ts");
const { runWorld } = await import("./world.ts");

process.on("message", (errand: Errand) => {
  void runWorld(errand).then((result) => process.send?.({ result, seconds: ownSeconds() } satisfies Report));
});
process.once("disconnect", () => process.exit());
