import type { EngineAbilities, EngineConnection } from "../port.ts";

/**
 * A connection that is opened a moment later, when something it needs is known, or opened again when the first of them was refused. What it is told
 * before that is what a connection that is not yet open ignores anyway; only whether the caller still has sound to hear, what it was told beside the
 * conversation, and that it was closed, is remembered.
 *
 * States: waiting (nothing is open), open (everything goes to the real one), closed (nothing will be opened; `whenClosed` was told).
 */
export function lateConnection(
  abilities: EngineAbilities,
  whenClosed: () => void,
): { readonly connection: EngineConnection; open(make: () => EngineConnection): void } {
  let real: EngineConnection | null = null;
  let playing = false;
  const told: string[] = [];
  let closed = false;
  return {
    connection: {
      abilities,
      audio: (pcm) => real?.audio(pcm),
      say: (text, how) => real?.say(text, how),
      context(text, answer) {
        if (real === null && !answer) told.push(text);
        real?.context(text, answer);
      },
      toolResult: (id, result) => real?.toolResult(id, result),
      played: (utterance, ms, end) => real?.played(utterance, ms, end),
      playing(on) {
        playing = on;
        real?.playing(on);
      },
      close() {
        if (real !== null) return real.close();
        if (closed) return;
        closed = true;
        whenClosed();
      },
    },
    open(make) {
      if (closed) return;
      real = make();
      for (const text of told.splice(0)) real.context(text, false);
      if (playing) real.playing(true);
    },
  };
}
