/** The address of a recording as a file to keep: as it is stored, or decoded to WAV. */
export const asFile = (url: string, as?: "wav"): string => `${url}${url.includes("?") ? "&" : "?"}download=1${as ? `&as=${as}` : ""}`;
