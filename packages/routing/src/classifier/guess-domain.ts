/** Words that hardly occur outside their domain. Ambiguous ones (cell, court, function, interest) are left out: better no guess than a wrong one. */
const words = {
  math: `algebra algebraic arithmetic calculus cosine denominator derivative divisible eigenvalue equation equations exponent factorial fraction
    geometry hypotenuse integers isomorphic logarithm matrix numerator perimeter polynomial polynomials quadratic quotient radius rectangle
    sine subgroup theorem triangle trigonometry variance`,
  code: `algorithm api async bash boolean browser bug bytecode cache cli compile compiler css cybersecurity database debug decryption docker encryption
    endpoint firewall git golang html http java javascript json kubernetes linux malware npm php pointer programming python
    recursion recursive refactor regex repository sql sorting stacktrace syntax typescript unicode xml yaml`,
  law: `acquitted affidavit appellate arbitration attorney bailiff breach burglary constitutional contractual copyright counsel courts defamation defendant
    defendants easement evidentiary felony gdpr hearsay homicide indictment injunction judicial jurisdiction jurisprudence juror jury landlord
    larceny lawsuit lawyer lease liability litigation negligence plaintiff plaintiffs prosecution prosecutor statute statutes statutory sue sued
    tenant testator tort trespass verdict`,
  medicine: `abdominal allergy antibiotic antibiotics arterial arteries artery arthritis asthma biopsy cancer cardiac chronic clinic clinical diabetes
    diagnosis diagnosed disease diseases dosage dose doctor fever headache hepatitis hiv hypertension ibuprofen infection insulin kidney liver
    medication medications nausea nurse obesity pain patient patients physician pregnancy prognosis pulmonary renal surgery symptom symptoms
    syndrome therapy tumor vaccine vaccines viral virus vitamin`,
  science: `acceleration acid acids atom atomic atoms bacteria boiling catalyst chemical chemistry chlorophyll chromosome circuit covalent dna ecosystem
    electric electron electrons enzyme enzymes evolution fossil friction galaxy gene genes genetic gravitational gravity hydrogen ion ions
    isotope kinetic magnetic membrane mitosis molar molecule molecules momentum neutron nucleus organism organisms orbit oxidation oxygen
    photon photosynthesis physics planet planets plasma protein proteins proton quantum resistor rna solvent species telescope thermodynamics
    velocity voltage wavelength`,
  business: `accounting accrual amortization assets audit auditor bank bond bonds budget business buyers cash ceo consumer consumers corporate
    corporation customer customers demand depreciation dividend dividends earnings econometric economy economics employee employees
    equity finance financial fiscal gdp inflation inventory invoice invoices investment investor investors ledger loan loans management
    market marketing mortgage monetary monopoly payroll portfolio profit profits revenue sales shareholder shareholders startup stock
    stocks supplier suppliers supply tariff unemployment`,
  humanities: `aristotle archaeological archaeology baroque bible bishop buddha buddhism buddhist catholic church civilization colonial colonies
    confucian deity descartes dynasty emperor empire epistemology ethical ethics fallacy feudal god greek hegel hindu hinduism historian historical
    history islam islamic jewish judaism kant literature medieval metaphysics monarchy moral morality morally mughal muslim mythology
    neolithic nietzsche novel ottoman painting philosopher philosophers philosophical philosophy plato poet poetry pope prehistoric
    quran religion religions religious renaissance revolution roman rome shakespeare socrates theology treaty utilitarian utilitarianism
    virtue`,
} as const;

/** What a prompt is about. */
export type Domain = keyof typeof words;

const domains = Object.keys(words) as Domain[];
const domainOf = new Map(domains.flatMap((domain) => words[domain].split(/\s+/).map((word) => [word, domain] as const)));

/** Characters: what a prompt is about is said early. */
const READ = 4000;

/**
 * What an English prompt is about, by its words; null where none tells, or where two domains have as many. A guess for people, as the task is:
 * no rule goes by it.
 */
export function guessDomain(prompt: string): Domain | null {
  const text = prompt.slice(0, READ).toLowerCase();
  const counts = new Map<Domain, number>();
  for (const word of new Set(text.match(/\p{L}+/gu))) {
    const domain = domainOf.get(word);
    if (domain !== undefined) counts.set(domain, (counts.get(domain) ?? 0) + 1);
  }
  if (text.includes('```')) counts.set('code', (counts.get('code') ?? 0) + 1);
  const [first, second] = [...counts].toSorted(([, one], [, other]) => other - one);
  return first === undefined || first[1] === second?.[1] ? null : first[0];
}
