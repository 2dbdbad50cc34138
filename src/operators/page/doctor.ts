/** The view that asks everybody whether things are as they should be. */
import type { Finding, Report, Verdict } from "../../doctor/report.ts";
import { hidden, type Html, html } from "../../lib/html.ts";
import { chip, section, table, time } from "./parts.ts";
import type { View } from "./shell.ts";
import type { Screen } from "./visit.ts";

/** What the view is made from. */
export interface DoctorParts {
  /** Asks everybody; changes nothing anywhere. */
  readonly examine: () => Promise<Report>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What was found last, and when. */
interface Examination {
  readonly report: Report;
  readonly at: number;
}

/** How long a person is left waiting for the answers. */
const longestMs = 20_000;

/** Asks when somebody says so, one run at a time for whoever asks meanwhile; what it found stands until the next. */
export function doctorScreen({ examine, now }: DoctorParts): Screen {
  let running: Promise<void> | undefined;
  let last: Examination | undefined;
  const run = async (): Promise<void> => {
    try {
      last = { report: await examine(), at: now() };
    } finally {
      running = undefined;
    }
  };
  return {
    get: async ({ session }) => doctorView(last, running !== undefined, session.formToken),
    async post({ session }) {
      running ??= run();
      await Promise.race([running, waited(longestMs)]);
      return doctorView(last, running !== undefined, session.formToken);
    },
  };
}

async function waited(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms).unref());
}

const tones: Readonly<Record<Verdict, "good" | "bad" | "warn" | "calm">> = {
  fine: "good",
  attention: "bad",
  unreachable: "warn",
  skipped: "calm",
};
const words: Readonly<Record<Verdict, string>> = {
  fine: "fine",
  attention: "a person is needed",
  unreachable: "no answer",
  skipped: "not asked",
};

function doctorView(last: Examination | undefined, isAsking: boolean, formToken: string): View {
  return {
    title: "Doctor",
    at: "doctor",
    ...(isAsking ? { againSeconds: 3 } : {}),
    content: [
      html`<p>
        Asks Norce and the PSPs with each credential, whether <code>PUBLIC_URL</code> leads here, what PSPs have
        registered, and how the queue is set up. It changes nothing: <code>npm run doctor -- --fix</code> does.
      </p>`,
      html`<form method="post" action="doctor">
        ${hidden({ token: formToken })}<button class="main">
          ${last === undefined ? "Ask everybody" : "Ask again"}
        </button>
      </form>`,
      ...(isAsking ? [html`<p class="notice calm" role="status">Everybody is being asked.</p>`] : []),
      ...(last === undefined ? [] : foundIn(last)),
    ],
  };
}

function foundIn({ report, at }: Examination): readonly Html[] {
  const of = (wanted: (is: Verdict) => boolean): readonly Finding[] => report.findings.filter(({ is }) => wanted(is));
  const needed = of((is) => is === "attention" || is === "unreachable");
  return [
    html`<p class="verdict" role="status">
      ${chip(words[report.is], tones[report.is])} <span class="soft">asked at ${time(at)} UTC</span>
    </p>`,
    section("What to do", findings("What needs a person, or did not answer", needed, "Nothing.")),
    section(
      "Asked",
      findings(
        "What is fine, and what could not be asked",
        of((is) => is === "fine" || is === "skipped"),
      ),
    ),
  ];
}

function findings(caption: string, found: readonly Finding[], empty?: string): Html {
  return table(
    caption,
    ["Check", "Whose", "Found", "What to do"],
    found.map(({ check, is, says, todo, merchant, channel, adapter }) => [
      html`${chip(words[is], tones[is])} <b>${check}</b>`,
      [merchant, channel].filter((one) => one !== undefined).join("/") + (adapter === undefined ? "" : ` ${adapter}`) ||
        "–",
      says,
      todo ?? "–",
    ]),
    empty,
  );
}
