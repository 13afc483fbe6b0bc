import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ask } from "../ask/ask.ts";
import { queries } from "../ask/queries.ts";
import { Call, may } from "../ask/shapes.ts";
import { Talk } from "../calls/CallRow.tsx";
import { otherNumber } from "../calls/states.ts";
import { Button } from "../look/Button.tsx";
import { Sheet } from "../look/Sheet.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useMay } from "../session/use-may.ts";
import { phoneNumber } from "../words/phone-number.ts";

/** Hang up, asked once more: it cannot be taken back. The end itself is told by the carrier and seen on the page. */
export function HangUp({ call }: { call: Call }) {
  const [asking, setAsking] = useState(false);
  const client = useQueryClient();
  const hangUp = useMutation({
    mutationFn: () => ask(Call, `/calls/${call.id}/hangup`, { method: "POST" }),
    onSuccess: (after) => {
      setAsking(false);
      client.setQueryData(queries.call(call.id).queryKey, after);
    },
  });
  const allowed = useMay("calls.hang_up");
  if (!allowed || !may("hang_up", call.status)) return null;
  return (
    <>
      <Button look="grave" busy={hangUp.isPending || hangUp.isSuccess} onClick={() => setAsking(true)}>
        {hangUp.isSuccess ? "Hanging up" : "Hang up"}
      </Button>
      {asking && (
        <Sheet
          title="Hang up this call?"
          shape="question"
          onClose={() => setAsking(false)}
          foot={
            <>
              <Button look="grave" busy={hangUp.isPending} onClick={() => hangUp.mutate()}>
                Hang up
              </Button>
              <Button data-first onClick={() => setAsking(false)}>
                Let it go on
              </Button>
            </>
          }
        >
          <p>
            <bdi className="font-strong">{call.customer_name ?? phoneNumber(otherNumber(call))}</bdi>
            {call.status === "in_progress" && (
              <>
                {" "}
                has been talking for <Talk call={call} />
              </>
            )}
            . What was said and recorded so far is kept.
          </p>
          {hangUp.error && <Trouble error={hangUp.error} className="mt-3" />}
        </Sheet>
      )}
    </>
  );
}
