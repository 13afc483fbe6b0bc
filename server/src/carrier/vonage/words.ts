/** What the carrier says for us when no agent can: in the agent's language where we have the words, else in English. */
export interface Words {
  readonly sorry: string;
  readonly oneMoment: string;
  readonly stillThere: string;
  readonly nobodyThere: string;
  readonly aCallForYou: string;
  /** The notice, and the question, of an agent that has no words of its own for it. */
  readonly recorded: string;
  readonly mayWeRecord: string;
  readonly handedOver: string;
}

const english: Words = {
  sorry: "We are sorry, we cannot go on with this call right now. Please try again later. Goodbye.",
  oneMoment: "One moment, please.",
  stillThere: "Please stay on the line, we will be right back.",
  nobodyThere: "I am sorry, nobody could be reached. One moment, please.",
  aCallForYou: "A call for you.",
  recorded: "This call is recorded.",
  mayWeRecord: "We would like to record this call. If you agree, please press 1. Otherwise press 2, or just wait.",
  handedOver: "I am sorry, I cannot go on with this call. I will connect you to someone.",
};

const words: Readonly<Record<string, Words>> = {
  en: english,
  de: {
    sorry:
      "Es tut uns leid, wir können dieses Gespräch gerade nicht fortsetzen. Bitte versuchen Sie es später noch einmal. Auf Wiederhören.",
    oneMoment: "Einen Moment, bitte.",
    stillThere: "Bitte bleiben Sie am Apparat, wir sind gleich wieder da.",
    nobodyThere: "Es tut mir leid, es ist niemand zu erreichen. Einen Moment, bitte.",
    aCallForYou: "Ein Anruf für Sie.",
    recorded: "Dieses Gespräch wird aufgezeichnet.",
    mayWeRecord:
      "Wir möchten dieses Gespräch gern aufzeichnen. Wenn Sie einverstanden sind, drücken Sie bitte die 1. Sonst drücken Sie die 2 oder warten einfach.",
    handedOver: "Es tut mir leid, ich kann dieses Gespräch nicht fortsetzen. Ich verbinde Sie mit jemandem.",
  },
  es: {
    sorry: "Lo sentimos, no podemos continuar con esta llamada en este momento. Por favor, inténtelo más tarde. Adiós.",
    oneMoment: "Un momento, por favor.",
    stillThere: "Por favor, no cuelgue, volvemos enseguida.",
    nobodyThere: "Lo siento, no hemos podido localizar a nadie. Un momento, por favor.",
    aCallForYou: "Una llamada para usted.",
    recorded: "Esta llamada se graba.",
    mayWeRecord: "Nos gustaría grabar esta llamada. Si está de acuerdo, pulse 1. Si no, pulse 2 o simplemente espere.",
    handedOver: "Lo siento, no puedo continuar con esta llamada. Le paso con una persona.",
  },
  fr: {
    sorry: "Nous sommes désolés, nous ne pouvons pas poursuivre cet appel pour le moment. Veuillez réessayer plus tard. Au revoir.",
    oneMoment: "Un instant, s'il vous plaît.",
    stillThere: "Veuillez rester en ligne, nous revenons tout de suite.",
    nobodyThere: "Je suis désolé, personne n'est joignable. Un instant, s'il vous plaît.",
    aCallForYou: "Un appel pour vous.",
    recorded: "Cet appel est enregistré.",
    mayWeRecord:
      "Nous souhaitons enregistrer cet appel. Si vous êtes d'accord, appuyez sur 1. Sinon, appuyez sur 2 ou patientez simplement.",
    handedOver: "Je suis désolé, je ne peux pas poursuivre cet appel. Je vous mets en relation avec quelqu'un.",
  },
  it: {
    sorry: "Ci dispiace, al momento non possiamo continuare questa chiamata. La preghiamo di riprovare più tardi. Arrivederci.",
    oneMoment: "Un momento, per favore.",
    stillThere: "Resti in linea, per favore, torniamo subito.",
    nobodyThere: "Mi dispiace, nessuno è raggiungibile. Un momento, per favore.",
    aCallForYou: "Una chiamata per Lei.",
    recorded: "Questa chiamata viene registrata.",
    mayWeRecord: "Vorremmo registrare questa chiamata. Se è d'accordo, prema 1. Altrimenti prema 2 o semplicemente attenda.",
    handedOver: "Mi dispiace, non posso continuare questa chiamata. La metto in contatto con una persona.",
  },
  pt: {
    sorry: "Lamentamos, mas não podemos continuar esta chamada agora. Por favor, tente novamente mais tarde. Até logo.",
    oneMoment: "Um momento, por favor.",
    stillThere: "Por favor, mantenha-se em linha, voltamos já.",
    nobodyThere: "Lamento, não foi possível contactar ninguém. Um momento, por favor.",
    aCallForYou: "Uma chamada para si.",
    recorded: "Esta chamada é gravada.",
    mayWeRecord: "Gostaríamos de gravar esta chamada. Se concorda, prima 1. Caso contrário, prima 2 ou simplesmente aguarde.",
    handedOver: "Lamento, não posso continuar esta chamada. Vou passar a chamada a uma pessoa.",
  },
};

/** Vonage's voices (developer.vonage.com, Text to Speech, supported languages); the first of a language is the one for the bare language. */
const voices = [
  ..."en-US en-GB en-AU en-IN en-ZA de-DE es-ES es-MX es-US fr-FR fr-CA it-IT pt-BR pt-PT nl-NL pl-PL ru-RU tr-TR sv-SE da-DK nb-NO".split(
    " ",
  ),
  ..."fi-FI is-IS cs-CZ sk-SK hu-HU ro-RO el-GR he-IL hi-IN id-ID ja-JP ko-KR cmn-CN yue-CN th-TH vi-VN ca-ES eu-ES cy-GB".split(" "),
  "ar",
];

/** The carrier's voice for a language tag such as `de`, `en-GB`, `pt-AO`: that very one, else one of the same language, else English. */
export function voiceOf(language: string): string {
  const wanted = language.toLowerCase();
  const primary = wanted.split("-")[0] as string;
  return (
    voices.find((voice) => voice.toLowerCase() === wanted) ??
    voices.find((voice) => voice.toLowerCase().split("-")[0] === (primary === "zh" ? "cmn" : primary === "no" ? "nb" : primary)) ??
    "en-US"
  );
}

/** Our sentences, and the voice that can say them. */
export function wordsIn(language: string): Words & { readonly voice: string } {
  const primary = language.toLowerCase().split("-")[0] as string;
  const ours = Object.hasOwn(words, primary) ? words[primary] : undefined;
  return ours === undefined ? { ...english, voice: "en-US" } : { ...ours, voice: voiceOf(language) };
}
