import type { CauseFacts } from "../queue/causes.ts";

/** What is said of a kind of cause. */
interface CauseWords {
  /** In one sentence, without its full stop. */
  says(cause: CauseFacts): string;
  /** The heading of docs/operate.md that has its first five minutes. */
  readonly heading: string;
  /** It has happened, and does not go on: nobody can say that it is over. */
  readonly isNews?: true;
}

const payments = ({ count, more }: CauseFacts): string =>
  `${count}${more === true ? " or more" : ""} ${count === 1 && more !== true ? "payment" : "payments"}`;

const news = (what: string, heading = "bad-news"): CauseWords => ({
  says: (cause) => `${payments(cause)}: ${what}`,
  heading,
  isNews: true,
});

/** Everything that alerts are about, by the name that people look up. */
export const causeWords: Readonly<Record<string, CauseWords>> = {
  "dead-letters": {
    says: (cause) => `${payments(cause)} ${cause.count === 1 ? "needs" : "need"} a person: ${cause.of}`,
    heading: "dead-letters",
  },
  "psp-down": {
    says: ({ of, count }) =>
      `${of} does not answer as it should (${count === 1 ? "one account" : `${count} accounts`})`,
    heading: "a-peer-that-is-down",
  },
  "norce-down": { says: () => "Norce does not answer as it should", heading: "a-peer-that-is-down" },
  "credentials-refused": {
    says: ({ of }) => `${of === "norce" ? "Norce" : of} refuses our credentials`,
    heading: "credentials-that-are-refused",
  },
  "webhooks-silent": {
    says: ({ of }) => `no webhook of ${of} came for longer than usual, and the sweep finds what they should have told`,
    heading: "webhooks-that-stopped",
  },
  "sweep-late": {
    says: ({ count }) => `the sweep of ${count === 1 ? "a channel" : `${count} channels`} is late`,
    heading: "the-sweep",
  },
  "no-worker": {
    says: () => "no worker process is there: webhooks are stored, and nobody looks at payments",
    heading: "alerts",
  },
  "capture-failed": news("a capture that had been accepted failed later"),
  "refund-failed": news("a refund that had been accepted failed later"),
  "refund-reversed": news("a refund came back"),
  chargeback: news("the issuer took the money back"),
  dispute: news("a shopper disputes the payment, and an answer is due at the PSP"),
  "authorization-at-risk": news("the PSP will not guarantee the authorisation any longer"),
  "payout-held": news("the PSP holds the money until the merchant does something"),
  "live-mode-differs": news("a test payment met a live configuration, or the other way round"),
  "outcome-unknown": news("the PSP itself does not know whether money moved"),
  "credential-expires": {
    says: ({ of }) => `a client certificate for ${of} is about to end`,
    heading: "bad-news",
    isNews: true,
  },
};

/** What is said of a cause, in a sentence without its full stop. */
export function sentenceOf(cause: CauseFacts): string {
  return causeWords[cause.name]?.says(cause) ?? cause.name;
}

/** Whether it has happened, and does not go on. */
export function isNews(name: string): boolean {
  return causeWords[name]?.isNews === true;
}
