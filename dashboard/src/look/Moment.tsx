import { exactly, when } from "../words/time.ts";
import { useNow } from "./use-now.ts";

/** A moment as people say it, exact on hover. */
export function Moment({ at, className = "" }: { at: string; className?: string }) {
  const now = useNow(30_000);
  return (
    <time dir="ltr" dateTime={at} title={exactly(at)} className={className}>
      {when(at, now)}
    </time>
  );
}
