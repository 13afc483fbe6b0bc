import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { followLive } from "../ask/live.ts";
import { queries } from "../ask/queries.ts";
import { PlaceCallSheet } from "../calls/PlaceCall.tsx";
import { Help } from "../keys/Help.tsx";
import { useKeys } from "../keys/use-keys.ts";
import { Button } from "../look/Button.tsx";
import { Mark } from "../look/Mark.tsx";
import { useMay } from "../session/use-may.ts";

export const places = [
  ["/calls", "Calls"],
  ["/agents", "Agents"],
  ["/settings", "Settings"],
] as const;

/** The rail with its few words, and beside it the page. On a narrow screen the rail is a strip on top. */
export function Frame(): ReactNode {
  const client = useQueryClient();
  const navigate = useNavigate();
  const { place, again } = useSearch({ from: "/inside" });
  const earlier = useQuery({ ...queries.call(again ?? ""), enabled: again !== undefined });
  const mayPlace = useMay("calls.place");
  const [connected, setConnected] = useState(true);
  const [helping, setHelping] = useState(false);
  const page = useRef<HTMLDivElement>(null);
  const { pathname } = useLocation();
  const shown = useRef(pathname);
  // A new page begins at its beginning for the keyboard and for whoever is read to.
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    page.current?.focus({ preventScroll: true });
  }, [pathname]);
  useEffect(() => followLive(client, setConnected), [client]);

  const setPlace = (to: string | undefined) =>
    void navigate({ to: ".", search: (old: object) => ({ ...old, place: to, again: undefined }), replace: to === undefined });
  useKeys({
    help: () => setHelping(true),
    "place a call": () => mayPlace && setPlace(""),
    search: () => {
      const box = document.querySelector<HTMLInputElement>("input[type=search]");
      if (box) box.focus();
      else void navigate({ to: "/calls" });
    },
  });

  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[11.5rem_minmax(0,1fr)]">
      <a href="#page" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-raised focus:p-3">
        Skip to the page
      </a>
      <header className="border-line max-lg:border-b lg:border-e">
        <div className="flex items-center gap-1 px-3 py-1.5 max-sm:gap-0 max-sm:ps-4 sm:px-6 lg:sticky lg:top-0 lg:h-dvh lg:flex-col lg:items-stretch lg:px-3 lg:py-5">
          <Link to="/calls" className="reach flex items-center gap-2 text-lead font-strong max-lg:me-auto lg:mb-6 lg:px-2">
            <Mark />
            <span className="max-sm:sr-only">Earshot</span>
          </Link>
          <nav aria-label="Pages" className="flex lg:flex-col lg:gap-0.5">
            {places.map(([to, name]) => (
              <Link
                key={to}
                to={to}
                className="press flex items-center rounded px-2.5 text-soft hover:text-ink sm:px-3 lg:px-2"
                activeProps={{ className: "font-strong text-ink! bg-sunk" }}
              >
                {name}
              </Link>
            ))}
          </nav>
          {mayPlace && (
            <Button look="main" className="max-lg:ms-2 max-sm:px-2.5 lg:mt-4" onClick={() => setPlace("")}>
              Place a call
            </Button>
          )}
          <div className="max-lg:hidden lg:mt-auto">
            <Button look="bare" className="w-full justify-between! px-2!" onClick={() => setHelping(true)}>
              Keyboard <kbd className="font-mono text-small">?</kbd>
            </Button>
          </div>
        </div>
      </header>
      <div id="page" ref={page} tabIndex={-1} className="min-w-0 outline-none">
        <Outlet />
      </div>
      <p
        role="status"
        className={
          connected
            ? "sr-only"
            : "fixed start-4 bottom-4 z-40 max-w-[min(26rem,calc(100vw-2rem))] rounded bg-raised px-4 py-2.5 shadow-float max-lg:bottom-20"
        }
      >
        {connected ? "" : "The server does not answer just now. What you see may be old; it is read again as soon as it does."}
      </p>
      {mayPlace && place !== undefined && (again === undefined || !earlier.isPending) && (
        <PlaceCallSheet to={place} earlier={earlier.data ?? null} onClose={() => setPlace(undefined)} />
      )}
      {helping && <Help onClose={() => setHelping(false)} />}
    </div>
  );
}
