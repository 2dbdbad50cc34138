import type { OperatorRoute } from "../webhooks/app.ts";
import { answerExplain, type ExplainParts } from "./explain.ts";
import { answerDeed, answerErrand, answerLetters, answerStop, type LetterRouteParts } from "./letter-routes.ts";
import { pageRoutes, type PageParts } from "./page/routes.ts";
import { answerLetter, answerReport, reportFrom, type ReportParts } from "./report.ts";
import { answerSelf, type SelfParts } from "./self.ts";

/** What the routes of people on call are made from. */
export type OperatorParts = ReportParts & LetterRouteParts & ExplainParts & SelfParts & Omit<PageParts, "report">;

/** Every route of people on call. Without an admin token there is none of them. */
export function operatorRoutes(parts: OperatorParts): readonly OperatorRoute[] {
  const page = pageRoutes({ ...parts, report: async (query) => await reportFrom(query, parts) });
  return [
    { name: "report", path: "/report", get: answerReport(parts), post: answerLetter(parts) },
    { name: "letters", path: "/letters", get: answerLetters(parts), post: answerDeed(parts) },
    { name: "errand", path: "/letters/errand", get: answerErrand(parts), post: answerStop(parts) },
    { name: "doctor", path: "/doctor", get: answerSelf(parts) },
    { name: "explain", path: "/explain", get: answerExplain(parts) },
    { name: "page", path: "/ops", ...page },
    { name: "page", path: "/ops/:view", ...page },
  ];
}
