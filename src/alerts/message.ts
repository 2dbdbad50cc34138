/** How an alert is said: by Standard Webhooks, and in Slack's shape. Pure. */
import type { AlertMessage } from "../queue/causes.ts";
import { causeWords, sentenceOf } from "./names.ts";
import { isoOf } from "../lib/time.ts";

/** Where receivers of a team's several installations see which one speaks. */
export interface Speaker {
  readonly publicUrl: string;
}

/** The body to send. */
export function bodyOf(message: AlertMessage, format: "standard" | "slack", speaker: Speaker): string {
  return JSON.stringify(format === "slack" ? slackOf(message, speaker) : standardOf(message, speaker));
}

/** `type`, `timestamp` and `data`, as Standard Webhooks has it. */
function standardOf(message: AlertMessage, { publicUrl }: Speaker): object {
  const { is, at, cause } = message;
  const { name, of, since, count, more, accounts, examples, deadline, facts } = cause;
  return {
    type: `alert.${is}`,
    timestamp: isoOf(at),
    data: {
      cause: name,
      ...(of === "" ? {} : { of }),
      summary: `${sentenceOf(cause)}.`,
      since: isoOf(since),
      ...(is === "resolved" ? { until: isoOf(at) } : {}),
      ...(deadline === undefined ? {} : { deadline: isoOf(deadline) }),
      count,
      ...(more === true ? { more } : {}),
      accounts,
      examples,
      ...(facts === undefined ? {} : { facts }),
      service: publicUrl,
      runbook: runbookOf(name),
    },
  };
}

const headings: Readonly<Record<AlertMessage["is"], string>> = {
  opened: ":rotating_light: *Open*",
  reminded: ":hourglass: *Still open*",
  grown: ":chart_with_upwards_trend: *More of it*",
  due: ":alarm_clock: *Deadline*",
  resolved: ":white_check_mark: *Resolved*",
};

/** Slack's incoming webhooks take a text. */
function slackOf({ is, at, cause }: AlertMessage, { publicUrl }: Speaker): object {
  const { name, since, accounts, examples, deadline } = cause;
  const lines = [
    `${headings[is]} ${escaped(sentenceOf(cause))}.`,
    `\`${name}\` since ${isoOf(since)}${is === "resolved" ? ` until ${isoOf(at)}` : ""}`,
    ...(deadline === undefined ? [] : [`deadline ${isoOf(deadline)}`]),
    ...accounts
      .slice(0, 5)
      .map(({ adapter, merchant, channel, count }) =>
        escaped(`• ${merchant}/${channel}${adapter === "" ? "" : ` ${adapter}`}: ${count}`),
      ),
    ...examples.map(({ merchant, channel, orderId, paymentId }) =>
      escaped(`e.g. ${merchant ?? ""}/${channel ?? ""} order ${orderId ?? "–"} payment ${paymentId ?? "–"}`),
    ),
    escaped(`${publicUrl} · ${runbookOf(name)}`),
  ];
  return { text: lines.join("\n") };
}

/** What stands in ids is no markup, no mention and no link. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function runbookOf(name: string): string {
  return `docs/operate.md#${causeWords[name]?.heading ?? "alerts"}`;
}
