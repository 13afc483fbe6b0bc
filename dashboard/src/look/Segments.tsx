import { useId } from "react";

/** One of a few, all of them in sight. */
export function Segments<T extends string>({
  label,
  value,
  options,
  onChoose,
}: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChoose: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset>
      <legend className="pb-1 font-strong">{label}</legend>
      <div className="inline-flex max-w-full flex-wrap rounded border border-edge bg-raised p-0.5">
        {options.map(([option, said]) => (
          <label
            key={option}
            className="press flex items-center rounded-[4px] px-3 whitespace-nowrap text-soft max-sm:px-2.5 hover:text-ink has-checked:bg-ink has-checked:font-strong has-checked:text-paper has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-ink"
          >
            <input type="radio" name={name} checked={value === option} onChange={() => onChoose(option)} className="sr-only" />
            {said}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
