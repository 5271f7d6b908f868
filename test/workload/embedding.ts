import type { EmbeddingEntry } from './entry.ts';

const batches: string[][] = [
  ['oak dining table, 180 cm', 'extendable table in beech', 'folding camping table'],
  ['How do I reset my password?'],
  ['The battery drains overnight.', 'The phone is empty every morning.'],
  ['waterproof jacket for children', 'rain trousers, adult'],
  ['refund has not arrived', 'where is my money', 'credit note missing', 'paid twice'],
  ['Recipe: lentil soup with lemon'],
  ['night bus timetable', 'first train on Sundays'],
  ['Termination of the tenancy by the landlord', 'Notice period for tenants'],
  ['A short history of the fountain pen'],
  ['printer prints blank pages', 'toner nearly empty', 'paper jam in tray 2'],
  ['Which vaccinations do I need for the trip?'],
  ['garden chair, stackable', 'deck chair, striped'],
  ['quarterly report, logistics', 'annual report, logistics'],
  ['Vegane Rezepte für den Herbst', 'autumn recipes without meat'],
  ['left-handed scissors'],
  ['signal lost in the tunnel', 'no reception underground', 'weak wireless network in the cellar'],
  ['How to prune an apple tree in winter'],
  ['complaint about noise at night', 'loud music after ten'],
  ['bicycle bell, brass', 'bicycle bell, black', 'bicycle horn'],
  ['Lost property: grey umbrella, line 4'],
];

export const embedding: EmbeddingEntry[] = batches.map((texts) => ({
  row: { task: 'embedding', input: { texts }, checks: [], gold: { count: texts.length }, matcher: 'vectors' },
  difficulty: 'easy',
}));
