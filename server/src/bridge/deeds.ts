import type { Pieces } from "./parts.ts";
import type { Action } from "./states.ts";

/** What is done for each decision of step.ts, and by which piece. */
const deeds: { readonly [D in Action["do"]]: (all: Pieces, action: Action & { readonly do: D }) => void } = {
  "send to engine": ({ engine, line }) => engine.audio(line.frame as Uint8Array),
  hold: ({ line }) => line.held.keep(line.frame as Uint8Array),
  "deliver held": ({ engine }) => engine.deliver(),
  "drop held": ({ line }) => line.held.drop(),
  "queue for caller": ({ engine }) => engine.queueSound(),
  "drop speech": ({ mouth }, { cutIn }) => mouth.drop(cutIn),
  "finish speech"({ mouth, decide, now }) {
    mouth.finish();
    if (!mouth.player.active) decide({ what: "quiet", at: now() });
  },
  "open engine": ({ engine }, { resume }) => engine.openAgain(resume),
  "note silence": ({ engine }, { silentMs }) => engine.silent(silentMs),
  "ask to wait"({ parts, note }, { again }) {
    note({ fact: "asked to wait" });
    parts.askToWait?.(again);
  },
  "go on": ({ engine }, { opened }) => engine.goOn(opened),
  "feed silence": ({ engine }) => engine.feedSilence(),
  "close engine": ({ engine, state }) => engine.close(state() === "apart"),
  "hang up": ({ parts }) => parts.hangUp(),
  "report engine lost": ({ parts }, { code, text }) => parts.engineLost({ code, text }),
};

export const act = (all: Pieces, action: Action): void => (deeds[action.do] as (all: Pieces, action: Action) => void)(all, action);
