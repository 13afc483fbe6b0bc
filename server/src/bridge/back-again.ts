/**
 * What the agent says when its process was lost and the caller is back on the line: they have heard nothing for seconds, and an engine waits for
 * their next words. By language; null where we have no words, then the caller speaks first.
 */
const words: Readonly<Record<string, string>> = {
  en: "Sorry, we were cut off for a moment. I am back. Please go on.",
  de: "Entschuldigung, wir waren kurz unterbrochen. Ich bin wieder da. Bitte fahren Sie fort.",
  es: "Disculpe, se ha cortado un momento. Ya estoy aquí. Continúe, por favor.",
  fr: "Excusez-moi, nous avons été coupés un instant. Je suis de retour. Continuez, je vous en prie.",
  it: "Mi scusi, siamo stati interrotti per un momento. Sono di nuovo qui. Continui pure.",
  pt: "Desculpe, a ligação caiu por um momento. Já estou aqui. Continue, por favor.",
};

/** The words for a language given as BCP 47. */
export const backAgain = (language: string): string | null => words[language.toLowerCase().split("-")[0] ?? ""] ?? null;
