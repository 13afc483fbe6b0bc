import { Button } from "../look/Button.tsx";
import { Sheet } from "../look/Sheet.tsx";
import { type Key, keyTable } from "./table.ts";

const groups: readonly [Key["where"], string][] = [
  ["call", "On a call's page"],
  ["everywhere", "Everywhere"],
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Sheet title="Keyboard" shape="question" onClose={onClose} foot={<Button onClick={onClose}>Close</Button>}>
      {groups.map(([where, title]) => (
        <section key={where} className="pb-3">
          <h3 className="pb-1 text-small text-soft">{title}</h3>
          <dl>
            {keyTable
              .filter((row) => row.where === where)
              .map((row) => (
                <div key={row.deed} className="flex h-8 items-center justify-between border-t border-line">
                  <dt>{row.says}</dt>
                  <dd>
                    <kbd className="rounded border border-edge px-1.5 py-0.5 font-mono text-small">{row.shown}</kbd>
                  </dd>
                </div>
              ))}
          </dl>
        </section>
      ))}
    </Sheet>
  );
}
