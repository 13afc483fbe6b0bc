import { useMemo, useState } from "react";
import { zoomed } from "./geometry.ts";

type Window = { fromMs: number; toMs: number };
export type Zoom = {
  shown: Window;
  isWhole: boolean;
  /** Below 1 nearer, above 1 farther; what is at `aroundMs` stays where it is. */
  by: (factor: number, aroundMs: number) => void;
  /** Moves the window so that it begins at `fromMs`, as far as the call goes. */
  to: (fromMs: number) => void;
  whole: () => void;
};

/** Which stretch of the call is drawn: all of it until somebody looks closer. `leastMs` is the shortest stretch worth drawing. */
export function useZoom(endMs: number, leastMs: number): Zoom {
  const [near, setNear] = useState<Window | null>(null);
  return useMemo(() => {
    const shown = near && near.fromMs < endMs ? { fromMs: near.fromMs, toMs: Math.min(near.toMs, endMs) } : { fromMs: 0, toMs: endMs };
    const show = (next: Window) => setNear(next.toMs - next.fromMs >= endMs ? null : next);
    return {
      shown,
      isWhole: near === null,
      by: (factor, aroundMs) => show(zoomed(shown, factor, aroundMs, endMs, leastMs)),
      to: (fromMs) => {
        const span = shown.toMs - shown.fromMs;
        const from = Math.max(0, Math.min(endMs - span, fromMs));
        show({ fromMs: from, toMs: from + span });
      },
      whole: () => setNear(null),
    };
  }, [near, endMs, leastMs]);
}
