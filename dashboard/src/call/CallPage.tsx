import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { isUnknown } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { buttonClass } from "../look/Button.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { FactsBone } from "./Facts.tsx";
import { Back } from "./Head.tsx";
import { OneCall } from "./OneCall.tsx";
import { TranscriptBone } from "./Transcript.tsx";

export function CallPage(): ReactNode {
  const { id } = useParams({ from: "/inside/calls/$id" });
  const call = useQuery(queries.call(id));
  if (call.data) return <OneCall key={id} call={call.data} />;
  return (
    <main className="px-4 pt-3 pb-24 sm:px-6">
      <Back />
      {!call.isError ? (
        <Waiting />
      ) : isUnknown(call.error) ? (
        <NoSuchCall />
      ) : (
        <Trouble error={call.error} onRetry={() => void call.refetch()} className="mt-4" />
      )}
    </main>
  );
}

const NoSuchCall = () => (
  <div className="max-w-[34rem] pt-10">
    <h1 className="text-lead font-strong">There is no call at this address</h1>
    <p className="pt-1 text-soft">It may have been deleted, or the address is not whole.</p>
    <Link to="/calls" className={`${buttonClass("plain")} mt-4`}>
      Go to calls
    </Link>
  </div>
);

/** The page's own shape, so that nothing moves when the call arrives. */
const Waiting = () => (
  <div aria-busy="true">
    <p className="sr-only">Reading the call</p>
    <div aria-hidden="true">
      <div className="bone h-7 w-64 max-w-full" />
      <div className="bone mt-2 h-4 w-80 max-w-full" />
      <div className="bone mt-5 h-52 w-full sm:h-60" />
      <div className="grid gap-x-12 gap-y-6 pt-4 lg:grid-cols-[minmax(0,1fr)_20rem] xl:grid-cols-[minmax(0,1fr)_24rem]">
        <div className="max-lg:order-last">
          <TranscriptBone />
        </div>
        <FactsBone />
      </div>
    </div>
  </div>
);
