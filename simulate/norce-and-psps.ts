/** Whoever the service talks to: Norce's Order API with its memory, and the PSPs' simulators. */
import type { Json, PaymentKey } from "../src/contract/adapter.ts";
import type { SimulatedAnswer, Simulator } from "../src/contract/simulator.ts";
import { createSandboxNorce, type SandboxNorce } from "../sandbox/norce.ts";
import { followPayments } from "../sandbox/storefront.ts";
import { answerBy, type Reply } from "./http.ts";
import { hosts, type Request } from "./network.ts";

/** A merchant's account at a PSP. */
export interface Account {
  /** How it is called in URLs: `acme-klarna-checkout`. */
  readonly name: string;
  readonly adapter: string;
  readonly merchant: string;
  readonly channel: string;
  /** Its PSP cannot be asked: only its events tell. */
  readonly folds: boolean;
  readonly operations: readonly string[];
  /** Its webhooks that nothing but their URL proves. */
  readonly signedUrls: readonly string[];
  readonly simulator: Simulator;
}

/** The peers of one world. */
export interface Peers {
  readonly norce: SandboxNorce;
  readonly accounts: readonly Account[];
  /** Whether Norce's payment names the PSP's. */
  isBound(key: Pick<PaymentKey, "orderId" | "paymentId">): boolean;
  /** @param lags whether a PSP may show what it said a while ago. */
  ask(request: Request, lags: boolean, answered: (reply: Reply | undefined) => void): void;
}

/** Where a PSP account is served. */
export function apiUrlOf(account: Pick<Account, "name">): string {
  return `https://${hosts.psp}/${account.name}`;
}

/** How long a PSP that lags shows what was true before: less than the minute that the service waits. */
const lagMs = 40_000;

/**
 * @param around answers for a PSP, and looks at what that did. @param lagged hears of an answer that was true a while ago.
 */
export function createPeers(
  accounts: readonly Account[],
  now: () => number,
  around: (account: Account, request: Request, answer: () => SimulatedAnswer) => SimulatedAnswer,
  lagged: (account: Account, request: Request) => void,
): Peers {
  /** What was said last to each question. */
  const said = new Map<string, { readonly at: number; readonly answer: SimulatedAnswer }>();
  const norce = createSandboxNorce({ now });
  followPayments(norce);
  const byName = new Map(accounts.map((account) => [account.name, account]));

  const askPsp = (request: Request, lags: boolean): SimulatedAnswer => {
    const [, name = "", path = "/"] = /^\/([^/]+)(\/.*)?$/.exec(request.url.pathname) ?? [];
    const account = byName.get(name);
    if (account === undefined) return { status: 404 };
    const { method, url, headers, text } = request;
    const simulated = { method, path, query: url.searchParams, headers, body: bodyFrom(text ?? "") };
    const before = said.get(url.href);
    const answer = around(account, request, () => account.simulator.answer(simulated));
    if (method !== "GET") return answer;
    if (lags && before !== undefined && now() - before.at < lagMs) {
      if (JSON.stringify(before.answer) !== JSON.stringify(answer)) lagged(account, request);
      return before.answer;
    }
    said.set(url.href, { at: now(), answer });
    return answer;
  };

  return {
    norce,
    accounts,
    isBound: ({ orderId, paymentId }) => Boolean(norce.payment(orderId, paymentId)?.["reference"]),
    ask(request, lags, answered) {
      const { method, url, headers, text } = request;
      if (url.host === hosts.norce)
        return answerBy(norce.handler, { method, path: url.pathname + url.search, headers, body: text }, answered);
      answered(replyOf(askPsp(request, lags)));
    },
  };
}

function replyOf({ status, headers = {}, body, text }: SimulatedAnswer): Reply {
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  if (text !== undefined) return { status, headers: { "content-type": "text/plain", ...lower }, text };
  if (body === undefined) return { status, headers: lower, text: "" };
  return { status, headers: { "content-type": "application/json", ...lower }, text: JSON.stringify(body) };
}

/** JSON where it is JSON, the text where it is something else. */
function bodyFrom(text: string): Json | undefined {
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
