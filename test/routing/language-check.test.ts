import type { Check } from '@upshift/contracts';
import { runPlainChecks, subjectOf } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import { answerOf } from './example.ts';

type Case = [prompt: string, answer: string, problem: string | null];

function expectEach(check: Check, cases: Case[]): void {
  test.each(cases)(`${check.type} of %j → %j: %s`, (prompt, answer, problem) => {
    const { passed, reason } = runPlainChecks([check], subjectOf(prompt, answerOf(answer)))[0]!;
    expect([passed, passed ? null : reason]).toEqual([problem === null, problem]);
  });
}

describe('an answer in the wrong language is found', () => {
  const german = 'Die Antwort ist, dass der Zug mit dem Fahrer nicht auf die Insel fährt und die Fähre das Schiff ist.';
  const english = 'The answer is that the train does not go to the island and that the ferry is the ship.';
  const finnish = 'Suomen pääkaupunki on Helsinki, joka on meren rannalla, ja se on iso, mutta ei niin suuri kuin Tukholma.';
  expectEach({ type: 'language' }, [
    [english, english, null],
    [german, german, null],
    [german, english, 'is in English, where German was wanted'],
    [english, german, 'is in German, where English was wanted'],
    [`Translate into German: ${english}`, german, null],
    [`Translate into German: ${english}`, english, 'is in English, where German was wanted'],
    ['What is the name of the first novel that was written in Spanish?', english, null],
    ['What is the name of the first novel that was written in Spanish?', german, null],
    ['Answer in Brazilian Portuguese. The train is on the island.', 'O trem não vai para a ilha, e a balsa é o navio.', null],
    ['Summarize in English: the book was published in French and it is read in German.', english, null],
    ['Summarize in English: the book was published in French.', german, 'is in German, where English was wanted'],
    ['Translate the text in German into English, and answer in French where it is not clear.', english, null],
    ['In German, explain how the train gets to the island.', english, 'is in English, where German was wanted'],
    ['How do you say that the train is on the island in German?', english, null],
    ['How do you say that the train is on the island in German?', german, null],
    ['请用中文回答：什么是量子纠缠？', english, 'is in English, where Chinese was wanted'],
    ['请用中文回答：什么是量子纠缠？', '量子纠缠是两个粒子之间的一种关联。', null],
    ['量子とは何ですか。', '量子はエネルギーの最小の単位です。', null],
    ['Antworte bitte auf Englisch, wie der Zug auf die Insel kommt und ob das Schiff mit dem Fahrer fährt.', english, null],
    ['Répondez en anglais : quelle est la capitale de la France et pourquoi est-elle dans le nord ?', english, null],
    ['Responde en inglés: ¿cuál es la capital de España y por qué se puso en el centro?', english, null],
    ['Ответь на английском: какая столица Франции?', english, null],
    ['Odpowiedz po angielsku, czy to jest w Polsce i jak się do tego ma pociąg, który jest na wyspie.', english, null],
    ['英語で答えてください。日本の首都はどこですか？', english, null],
    [`Übersetze ins Englische: ${german}`, english, null],
    [`Übertrage das in die englische Sprache: ${german}`, english, null],
    ['Bu metni ve bu mektubu İngilizceye çevir: tren adaya gitmez ve bu çok iyi.', english, null],
    [
      'Das ist nicht das Land, das der Zug auf der Fahrt nach Deutschland ist.',
      english,
      'is in English, where German was wanted',
    ],
    [
      'It is twice that of the other train, and in Germany it is the one on the ship.',
      german,
      'is in German, where English was wanted',
    ],
    [`Summarize the following ticket.\n\n${german} ${german}`, english, null],
    [`What does this mean? “${german} ${german}”`, english, null],
    [`Classify the mail, and say why:\n${german} ${german}`, german, null],
    ['请把以下翻译成英文：我喜欢猫和狗，因为它们很可爱。', english, null],
    ['用中文回答: what is the capital of France and why is it in the north of the country', '首都是巴黎。', null],
    ['Schreibe auf Französisch an den Kunden, dass die Ware nicht da ist und das Schiff auch.', english, null],
    ['Reply in German.', english, 'is in English, where German was wanted'],
    ['Reply in German. The train is on the island.', german, null],
    ['Write a mail to the driver in German.\nThe train is on the island.', english, 'is in English, where German was wanted'],
    ['Summarize the text in German:', english, 'is in English, where German was wanted'],
    ['Answer in German: what is it?', german, null],
    ['Do not reply in English; reply in German', english, 'is in English, where German was wanted'],
    ['Do not reply in English; reply in German', german, null],
    ['Do not answer in French, but in English', english, null],
    ["Don't answer in French, but in English", english, null],
    ['Even if the user writes in English, respond in German', german, null],
    ['If it is in German, reply in German; otherwise reply in English.\n\nThe train is on the island.', english, null],
    ...['Use German.', 'Output language: German', 'Draft a German email to the driver.', 'Respond in fluent, natural German.']
      .concat('You are a German-speaking support agent.')
      .map((prompt): Case => [`${prompt} The train is on the island.`, german, null]),
    ['Write a report about the decline in Swedish exports.', english, null],
    ['Write about investment in Japanese companies.', english, null],
    ['Explain this error in Polish notation.', english, null],
    [
      'Reply in Norwegian, and write about the weather and the sea.',
      'Det er kaldt og havet är på det för att jag har det bra.',
      null,
    ],
    // Letters of options and of variables, and one word over and over, are of no language.
    ['Determine (0.0081)^(3/4).\nA. a = 5, e = 2\nB. o = 4, i = 2\nC. a e i o w z y', english, null],
    ['Policy 1: $.28 per $100. Policy 2: $.35 per $100. Policy 3: $.42 per $100.', english, null],
    // None of its words is the beginning of a language's name.
    [
      'Do you know what kind of person is made to be the king of the land, and why?',
      german,
      'is in German, where English was wanted',
    ],
    ['Напиши на иврите, какой это город.', english, null],
    ['Odpowiedz po włosku, czy to jest w Polsce i jak się do tego ma pociąg, który jest na wyspie.', english, null],
    [finnish, english, 'is in English, where Finnish was wanted'],
    [english, finnish, 'is in Finnish, where English was wanted'],
    [`Vastaa englanniksi: ${finnish}`, english, null],
    [`Käännä suomeksi: ${english}`, finnish, null],
    ['Reply in Finnish.', english, 'is in English, where Finnish was wanted'],
    [english, 'Eesti on riik Euroopas. Selle pealinn on Tallinn, mis on mere ääres, ja see on ilus.', null],
    ['Столиця Франції?', 'Столица Франции — Париж, и это большой город.', 'is in Russian, where Ukrainian was wanted'],
    ['Какой это город?', 'Столиця Франції — Париж.', 'is in Ukrainian, where Russian was wanted'],
    [
      'Беларусь — гэта краіна ў Еўропе, і яе сталіца — Мінск, вялікі горад на рацэ.',
      'Мы былі ў Мінску, дзе ўсё было дзіўным, і гэты дзень быў доўгі.',
      null,
    ],
    ['Як справи?', 'Добре, дякую! Чим я можу вам допомогти?', null],
    ['Відповідай англійською: яка столиця Франції?', english, null],
    ['日本の首都はどこですか。漢字で答えてください。', '東京都', null],
    [english, 'Paris', null],
    [english, '~~~text\nder die das und ist nicht\n~~~', null],
    [english, '```python\nfor x in y: print(x)\n```', null],
  ]);
  expectEach({ type: 'language', language: 'fr' }, [
    [english, 'La réponse est que le train ne va pas sur l’île et que c’est un bateau qui part.', null],
    [english, english, 'is in English, where French was wanted'],
  ]);
});
