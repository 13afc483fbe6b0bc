import { exactly, when } from "../words/time.ts";
import { useNow } from "./use-now.ts";

/** A moment as people say it, exact on hover; one to come is said by `ahead`. */
export function Moment({ at, said = when, className = "" }: { at: string; said?: (iso: string, now: Date) => string; className?: string }) {
  const now = useNow(30_000);
  return (
    <time dir="ltr" dateTime={at} title={exactly(at)} className={className}>
      {said(at, now)}
    </time>
  );
}
