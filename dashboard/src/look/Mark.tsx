/** The sign: two short mirrored wave strokes, amber over blue-green. */
export function Mark({ className = "size-6" }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" fill="none" strokeWidth="3.5" strokeLinecap="round" aria-hidden="true" className={className}>
      <path d="M4 13C7.5 3 12.5 3 16 11s8.5 6 12-4" className="stroke-caller" />
      <path d="M4 19c3.5 10 8.5 10 12 2s8.5-6 12 4" className="stroke-agent" />
    </svg>
  );
}

/** A call that runs: the two voices as bars that breathe. Still where motion is not wanted. */
export function Breathing({ className = "" }: { className?: string }) {
  return (
    <svg viewBox="0 0 14 16" aria-hidden="true" className={`inline-block h-4 w-3.5 ${className}`}>
      {[2, 7, 12].map((x, i) => (
        <g
          key={x}
          strokeWidth="2.5"
          strokeLinecap="round"
          className={`origin-center animate-breathe [transform-box:view-box] ${["[animation-delay:-.8s]", "[animation-delay:-1.6s]", ""][i]}`}
        >
          <path d={`M${x} 6.5V${[4.5, 2, 4][i]}`} className="stroke-caller" />
          <path d={`M${x} 9.5V${[12, 14, 11][i]}`} className="stroke-agent" />
        </g>
      ))}
    </svg>
  );
}
