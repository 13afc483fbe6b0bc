import type { Agent } from "./agent.ts";

/** The appointment desk: what a demonstration call is answered by. */
export const desk: Agent = {
  name: "desk",
  habit: "A friendly appointment desk: moves appointments, knows prices and hours, looks up orders, says goodbye.",
  voice: "slt-bright",
  greeting: "Hello, {{customer_name}}. This is the appointment desk. Is this a good moment to talk?",
  rules: [
    {
      hears:
        /\b(are you|is this|am i (?:speaking|talking) (?:to|with)) (?:a|an) (?:real )?(?:robot|machine|computer|bot|human|person|ai|recording)/i,
      say: ["I am an A.I. assistant, not a human being.", "I can still move an appointment for you, or fetch a colleague."],
    },
    {
      hears:
        /\b(speak|talk|put me through|connect me) (?:to|with) (?:a|an|somebody|someone|your)\b|\b(human|real person|colleague|manager|operator)\b/i,
      say: ["I am sorry, nobody else is at the desk right now.", "Can I help you with something myself?"],
      calls: {
        tool: /transfer/i,
        parameters: { reason: "The caller asked for a person." },
        before: ["Of course. One moment, I am putting you through."],
        answered: [],
        failed: ["I am sorry, I cannot reach anybody at the moment.", "May I take a message instead?"],
      },
    },
    {
      hears: /\b(everything|what can you do|all you can do|tell me (?:more|all))\b/i,
      say: [
        "Gladly.",
        "I can look up when your next appointment is, move it to another day, or cancel it.",
        "I can tell you our prices, our opening hours and how to find us, and what you should bring along when you come here for the first time.",
        "I can also check where an order is, send you a reminder by text message the day before, and of course connect you to a colleague if you would rather talk to a person.",
      ],
    },
    {
      hears: /\b(cost|costs|price|prices|expensive|how much)\b/i,
      say: [
        "Moving an appointment is free of charge, as long as you tell us one day before.",
        "A first visit is forty five dollars, and every visit after that is thirty dollars, with the materials included.",
        "Would you like to book one?",
      ],
    },
    {
      hears: /\b(think about it|need (?:some )?time|not sure yet|no,? wait)\b/i,
      say: ["Of course, take all the time you need.", "The offer stays open until the end of the month."],
    },
    {
      hears: /\border number is (.+?)[.?!]?$/i,
      say: ["Thank you. I have found order {{1}}.", "It left our house yesterday evening, and it should be with you by Friday."],
      calls: {
        tool: /order/i,
        parameters: { order_number: "{{1}}" },
        before: ["Thank you. One moment, I am looking."],
        answered: ["I have found it. {{result}}"],
        failed: ["I am sorry, our order book does not answer.", "It is usually three working days."],
      },
    },
    {
      hears: /\b(order|parcel|delivery|not arrived)\b/i,
      once: true,
      say: ["Good morning, {{customer_name}}, and I am sorry to hear that.", "Could you tell me your order number, please?"],
    },
    {
      hears:
        /\b(?:move|change|postpone|reschedule|shift)\b.*\b(monday|tuesday|wednesday|thursday|friday|tomorrow)(?: (morning|afternoon|evening))?/i,
      once: true,
      say: ["Of course.", "For {{1}} {{2}} I can offer you two o'clock or half past three."],
    },
    {
      hears: /\b(move|change|postpone|reschedule|shift|another day)\b/i,
      once: true,
      say: ["Of course.", "I can offer you Thursday at two o'clock, or at half past three."],
    },
    {
      hears:
        /\b(half past (?:one|two|three|four|nine|ten)|(?:one|two|three|four|nine|ten) o'clock|friday|thursday|monday|tuesday)\b.*\b(perfect|fine|good|great|works|would be|prefer)\b/i,
      once: true,
      say: ["Perfect, {{1}} it is.", "Is there anything else?"],
      calls: {
        tool: /book|appoint|slot|schedul|calendar/i,
        parameters: { time: "{{1}}" },
        before: ["Very well, one moment please."],
        answered: ["Perfect, {{1}} is booked.", "Is there anything else?"],
        failed: ["I am sorry, the calendar cannot be reached just now.", "I will write it down and call you back."],
      },
    },
    {
      hears: /\b(goodbye|bye|that is all|that's all|hang up)\b/i,
      say: ["You are welcome, {{customer_name}}.", "Goodbye."],
      hangUp: true,
    },
    {
      hears: /\b(open|opening hours|when are you)\b/i,
      say: ["We are open from Monday to Friday, from eight in the morning until six in the evening.", "On Saturdays we close at noon."],
    },
    {
      hears: /\b(repeat|again|pardon|did not (?:hear|understand)|say that)\b/i,
      say: ["Certainly.", "I am calling about your appointment on Tuesday at ten o'clock.", "Would you like to keep it or to move it?"],
    },
    { hears: /\bthank(s| you)\b/i, say: ["You are welcome, {{customer_name}}.", "Is there anything else?"] },
    {
      hears: /\b(good moment|how can i help|who is (?:this|calling|there)|speaking|hello|yes)\b/i,
      once: true,
      say: ["It is about your appointment on Tuesday at ten.", "Does that still suit you?"],
    },
    { hears: /\b(cancel)\b/i, say: ["I have cancelled it for you.", "Just call us whenever you want a new one."] },
    { hears: /\b(yes|yeah|okay|sure|all right|fine)\b/i, say: ["Very good.", "Is there anything else I can do for you?"] },
    { hears: /\b(no|nothing)\b/i, say: ["All right. Then I wish you a pleasant day."] },
  ],
  otherwise: [
    ["Thank you.", "I am calling about your appointment on Tuesday at ten o'clock.", "Would you like to keep it or to move it?"],
    ["I see.", "I have a free place on Thursday afternoon, at half past three.", "Would that be all right for you?"],
    ["Very good, I have written that down.", "Is there anything else I can do for you?"],
    ["Thank you. I will pass that on to my colleagues."],
  ],
  nudge: "Are you still there?",
};
