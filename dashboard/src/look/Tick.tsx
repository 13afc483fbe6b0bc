import type { ReactNode } from "react";

/** Yes or no, with what it means. */
export function Tick({
  label,
  hint,
  checked,
  onTick,
  disabled = false,
}: {
  label: ReactNode;
  hint?: ReactNode;
  checked: boolean;
  onTick: (checked: boolean) => void;
  disabled?: boolean;
}) {
  return (
    <label className="flex items-start gap-2.5 pointer-coarse:min-h-11 pointer-coarse:py-3">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onTick(event.target.checked)}
        className="mt-0.5 size-4 shrink-0 accent-ink"
      />
      <span>
        <span className="font-strong">{label}</span>
        {hint && <span className="block text-small text-soft">{hint}</span>}
      </span>
    </label>
  );
}
