/** A transfer's share of what may be in flight. */
export interface Place {
  /** It turned out to be slow: its place is free for another, if there is room beside. @returns whether it moved aside, now or before */
  aside(): boolean;
  leave(): void;
}

/**
 * How much may be fetched at once, in bytes: what lies half-fetched on the disk is bounded by it, whatever the files' sizes.
 *
 *   waiting -> in the middle     its bytes fit beside those that are there; in the order of asking, so that a large file is not overtaken for ever
 *   in the middle -> aside       it is slow, and its bytes fit beside the other slow ones
 *   in the middle, aside -> gone
 *
 * A file that is larger than everything goes alone.
 */
export interface Places {
  /** Resolves when so many bytes may be fetched. Rejects when `signal` is aborted before. */
  enter(bytes: number, signal: AbortSignal): Promise<Place>;
  /** For metrics and tests. */
  state(): { readonly middleBytes: number; readonly asideBytes: number; readonly aside: number; readonly waiting: number };
}

/** @param bytes at once, in the middle and once more aside. @param mostAside slow transfers at once: each is an open connection */
export function places(bytes: number, mostAside: number): Places {
  let middleBytes = 0;
  let asideBytes = 0;
  let aside = 0;
  const waiting: { readonly bytes: number; come(): void }[] = [];
  const fits = (wanted: number) => middleBytes === 0 || middleBytes + wanted <= bytes;
  const admit = () => {
    for (let first = waiting[0]; first && fits(first.bytes); first = waiting[0]) {
      waiting.shift();
      first.come();
    }
  };
  const take = (own: number): Place => {
    middleBytes += own;
    let where: "middle" | "aside" | "gone" = "middle";
    return {
      aside() {
        if (where !== "middle" || aside >= mostAside || (aside > 0 && asideBytes + own > bytes)) return where === "aside";
        where = "aside";
        middleBytes -= own;
        asideBytes += own;
        aside++;
        admit();
        return true;
      },
      leave() {
        if (where === "middle") middleBytes -= own;
        if (where === "aside") {
          asideBytes -= own;
          aside--;
        }
        where = "gone";
        admit();
      },
    };
  };
  return {
    state: () => ({ middleBytes, asideBytes, aside, waiting: waiting.length }),
    enter(wanted, signal) {
      if (waiting.length === 0 && fits(wanted)) return Promise.resolve(take(wanted));
      return new Promise((resolve, reject) => {
        const stop = () => {
          waiting.splice(waiting.indexOf(one), 1);
          reject(signal.reason);
          admit();
        };
        const one = {
          bytes: wanted,
          come() {
            signal.removeEventListener("abort", stop);
            resolve(take(wanted));
          },
        };
        if (signal.aborted) return reject(signal.reason);
        waiting.push(one);
        signal.addEventListener("abort", stop, { once: true });
      });
    },
  };
}
