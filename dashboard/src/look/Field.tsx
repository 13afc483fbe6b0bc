import { type ComponentProps, type ReactNode, useId } from "react";
import { Select } from "./Select.tsx";

const box =
  "w-full rounded border bg-raised px-2.5 text-body text-ink pointer-coarse:text-lead placeholder:text-faint hover:border-ink-soft aria-invalid:border-look";
export const inputClass = `${box} press border-edge`;
const areaClass = `${box} border-edge py-2 leading-5`;

type Told = { label: string; hint?: ReactNode; wrong?: string | null; className?: string };
type Named = { id: string; "aria-describedby"?: string; "aria-invalid"?: true };

/** The server says what is wrong to be read after the field's name ("must not be empty"); under a field it is a sentence of its own. */
const sentence = (wrong: string): string => (/^[a-z]/.test(wrong) ? `It ${wrong}${/[.!?]$/.test(wrong) ? "" : "."}` : wrong);

/** A label, its field, and under it the hint or what is wrong. The line below is there before it is needed only if `hint` is. */
export function Field({ label, hint, wrong, className = "", children }: Told & { children: (named: Named) => ReactNode }) {
  const id = useId();
  const described = wrong || hint ? { "aria-describedby": `${id}-told` } : {};
  return (
    <div className={`flex flex-col gap-1 ${className}`}>
      <label htmlFor={id} className="font-strong">
        {label}
      </label>
      {children({ id, ...described, ...(wrong ? { "aria-invalid": true } : {}) })}
      {(wrong || hint) && (
        <div id={`${id}-told`} className={`text-small ${wrong ? "text-look" : "text-soft"}`}>
          {wrong ? <span role="alert">{sentence(wrong)}</span> : hint}
        </div>
      )}
    </div>
  );
}

export function TextField({ label, hint, wrong, className, ...rest }: Told & Omit<ComponentProps<"input">, "className">) {
  return (
    <Field label={label} hint={hint} wrong={wrong ?? null} className={className ?? ""}>
      {(named) => <input dir="auto" {...rest} {...named} className={inputClass} />}
    </Field>
  );
}

export function TextArea({
  label,
  hint,
  wrong,
  className,
  mono,
  rows = 2,
  ...rest
}: Told & { mono?: boolean } & Omit<ComponentProps<"textarea">, "className">) {
  return (
    <Field label={label} hint={hint} wrong={wrong ?? null} className={className ?? ""}>
      {(named) => (
        <textarea
          dir="auto"
          {...rest}
          {...named}
          rows={rows}
          style={{ minHeight: `${rows * 1.25 + 1.125}rem` }}
          className={`${areaClass} field-sizing-content ${mono ? "font-mono text-small" : ""}`}
        />
      )}
    </Field>
  );
}

export function Choice({ label, hint, wrong, className, children, ...rest }: Told & Omit<ComponentProps<"select">, "className">) {
  return (
    <Field label={label} hint={hint} wrong={wrong ?? null} className={className ?? ""}>
      {(named) => (
        <Select {...rest} {...named} wide="w-full" className={inputClass}>
          {children}
        </Select>
      )}
    </Field>
  );
}
