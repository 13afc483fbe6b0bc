import { useMutation, useQueryClient } from "@tanstack/react-query";
import { z } from "zod";
import { ask } from "../ask/ask.ts";
import { Button } from "../look/Button.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useMay } from "../session/use-may.ts";

/**
 * What a person may do about a recording that is not there: have it tried again, or stop waiting for it. A late file is taken all the same.
 * `of`: waiting, a deletion, redaction or comparison, which can be tried again alone.
 */
export function Mend({
  id,
  again,
  giveUp,
  of = "recordings",
}: {
  id: string;
  again: boolean;
  giveUp: boolean;
  of?: "recordings" | "waiting";
}) {
  const client = useQueryClient();
  const may = useMay("recordings.mend");
  const mend = useMutation({
    mutationFn: (deed: "try-again" | "give-up") => ask(z.unknown(), `/${of}/${id}/${deed}`, { method: "POST" }),
    onSettled: () => {
      for (const name of ["call", "recordings", "events", "waiting", "jobs"]) void client.invalidateQueries({ queryKey: [name] });
    },
  });
  if (!may || (!again && !giveUp)) return null;
  return (
    <>
      <p className="flex flex-wrap gap-1 pt-1">
        {again && (
          <Button busy={mend.isPending} onClick={() => mend.mutate("try-again")}>
            Try again
          </Button>
        )}
        {giveUp && (
          <Button look="bare" className={again ? "" : "-ms-3"} busy={mend.isPending} onClick={() => mend.mutate("give-up")}>
            Stop waiting
          </Button>
        )}
      </p>
      {mend.error && <Trouble error={mend.error} className="mt-1" />}
    </>
  );
}
