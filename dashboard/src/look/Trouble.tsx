import { told } from "../ask/failures.ts";
import { Button } from "./Button.tsx";

/** What went wrong, what to do now, and a way to try again. Said aloud when it appears. */
export function Trouble({ error, onRetry, className = "" }: { error: unknown; onRetry?: (() => void) | undefined; className?: string }) {
  const { title, remedy, detail } = told(error);
  return (
    <div role="alert" className={`rounded bg-look-wash px-4 py-3 ${className}`}>
      <p className="font-strong text-look">{title}</p>
      <p className="text-ink">{remedy}</p>
      {detail && (
        <pre dir="ltr" className="mt-1 max-h-32 overflow-auto font-mono text-small whitespace-pre-wrap text-ink rtl:text-right">
          {detail}
        </pre>
      )}
      {onRetry && (
        <Button className="mt-2" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
