import { answersFrom, type Answers, type ChatEntry, type Check, type Difficulty } from './entry.ts';

type Language = 'python' | 'typescript' | 'sql' | 'bash';
type Assignment = {
  language: Language;
  request: string;
  /** A name the request prescribes, looked for in the answer. */
  name?: string;
  /** The lines on which the right solution and the usual mistakes differ; a source for a JavaScript expression. */
  gold: string;
  difficulty: Difficulty;
  right: string;
  /** Complete answers as a model sends them, with or without a fence. */
  own?: Partial<Answers>;
};

function fenced(language: Language, code: string): string {
  return `\`\`\`${language}\n${code.trim()}\n\`\`\``;
}

const python = (code: string): string => fenced('python', code);
const typescript = (code: string): string => fenced('typescript', code);
const sql = (code: string): string => fenced('sql', code);

/** What a reply looks like that ran into the output limit in the middle of the code. */
function cutOff(answer: string): string {
  return answer.slice(0, Math.floor(answer.length * 0.55)).trimEnd();
}

const mergeIntervals = `
def merge_intervals(intervals):
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged`;

const searchFirst = `
def first_at_least(values, limit):
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if values[middle] < limit:
            low = middle + 1
        else:
            high = middle
    return low`;

const retry = `
export async function retry<Value>(action: () => Promise<Value>, attempts: number, delayMs: number): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      if (attempt >= attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, delayMs * 2 ** (attempt - 1)));
    }
  }
}`;

const limiter = `
export function limitConcurrency(limit: number) {
  let active = 0;
  const waiting: Array<() => void> = [];
  return async function run<Value>(task: () => Promise<Value>): Promise<Value> {
    if (active >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else active += 1;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else active -= 1;
    }
  };
}`;

const topologicalOrder = `
def build_order(needs):
    order, done, active = [], set(), set()

    def visit(step):
        if step in done:
            return
        if step in active:
            raise ValueError(f"cycle at {step}")
        active.add(step)
        for needed in sorted(needs.get(step, ())):
            visit(needed)
        active.discard(step)
        done.add(step)
        order.append(step)

    for step in sorted(needs):
        visit(step)
    return order`;

const latestOrders = `
SELECT customer_id, order_id, placed_at
FROM (
  SELECT customer_id, order_id, placed_at,
         ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY placed_at DESC, order_id DESC) AS position
  FROM orders
  WHERE status <> 'cancelled'
) AS ranked
WHERE position = 1;`;

const missingCustomers = `
SELECT customers.customer_id, customers.name
FROM customers
WHERE NOT EXISTS (
  SELECT 1 FROM orders
  WHERE orders.customer_id = customers.customer_id AND orders.placed_at >= DATE '2026-01-01'
)
ORDER BY customers.name;`;

const leastRecentlyUsed = `
export class Cache<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#capacity) this.#entries.delete(this.#entries.keys().next().value as string);
  }
}`;

const csvLine = `
def split_csv_line(line):
    fields, field, quoted, index = [], "", False, 0
    while index < len(line):
        mark = line[index]
        if quoted and mark == '"' and line[index + 1:index + 2] == '"':
            field += '"'
            index += 1
        elif mark == '"':
            quoted = not quoted
        elif mark == "," and not quoted:
            fields.append(field)
            field = ""
        else:
            field += mark
        index += 1
    return fields + [field]`;

const runningMedian = `
import heapq

class RunningMedian:
    def __init__(self):
        self.low, self.high = [], []

    def add(self, value):
        heapq.heappush(self.low, -value)
        heapq.heappush(self.high, -heapq.heappop(self.low))
        if len(self.high) > len(self.low):
            heapq.heappush(self.low, -heapq.heappop(self.high))

    def median(self):
        if len(self.low) > len(self.high):
            return -self.low[0]
        return (self.high[0] - self.low[0]) / 2`;

const shareCents = `
export function shareCents(total: number, weights: number[]): number[] {
  const sum = weights.reduce((left, right) => left + right, 0);
  const shares = weights.map((weight) => Math.floor((total * weight) / sum));
  const rests = weights.map((weight, index) => ({ index, rest: (total * weight) % sum }));
  rests.sort((left, right) => right.rest - left.rest || left.index - right.index);
  let missing = total - shares.reduce((left, right) => left + right, 0);
  for (const { index } of rests) {
    if (missing === 0) break;
    shares[index]! += 1;
    missing -= 1;
  }
  return shares;
}`;

const shortestPath = `
import heapq

def cheapest(graph, start, goal):
    best = {start: 0}
    queue = [(0, start)]
    while queue:
        cost, place = heapq.heappop(queue)
        if place == goal:
            return cost
        if cost > best[place]:
            continue
        for neighbour, fare in graph.get(place, {}).items():
            candidate = cost + fare
            if candidate < best.get(neighbour, float("inf")):
                best[neighbour] = candidate
                heapq.heappush(queue, (candidate, neighbour))
    return None`;

const debounce = `
export function debounce<Args extends unknown[]>(action: (...args: Args) => void, waitMs: number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (...args: Args): void => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...args), waitMs);
  };
}`;

const runningTotals = `
SELECT account_id, booked_on, amount,
       SUM(amount) OVER (PARTITION BY account_id ORDER BY booked_on, booking_id ROWS UNBOUNDED PRECEDING) AS balance
FROM bookings
ORDER BY account_id, booked_on, booking_id;`;

const addMonths = `
import calendar
from datetime import date

def add_months(day, months):
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))`;

const assignments: Assignment[] = [
  {
    language: 'python',
    request: 'Write a Python function is_even(number) that returns whether a number is even.',
    name: 'is_even',
    gold: '% 2 == 0',
    difficulty: 'easy',
    right: python('def is_even(number):\n    return number % 2 == 0'),
  },
  {
    language: 'typescript',
    request: 'Write a TypeScript function capitalize(word: string): string that makes the first letter upper case.',
    name: 'capitalize',
    gold: 'toUpperCase\\(\\)',
    difficulty: 'easy',
    right: typescript(
      'export function capitalize(word: string): string {\n  return word.charAt(0).toUpperCase() + word.slice(1);\n}',
    ),
  },
  {
    language: 'sql',
    request: 'Write an SQL query that counts the rows of the table visits.',
    name: 'visits',
    gold: '[Cc][Oo][Uu][Nn][Tt]\\(\\*\\)',
    difficulty: 'easy',
    right: sql('SELECT COUNT(*) FROM visits;'),
  },
  {
    language: 'bash',
    request: 'Give one bash command that lists the five largest files directly in the current folder.',
    gold: '(ls -S|sort -[a-z]*r)[\\s\\S]*head',
    difficulty: 'easy',
    right: fenced('bash', 'find . -maxdepth 1 -type f -printf "%s %f\\n" | sort -nr | head -n 5'),
    own: { economy: fenced('bash', 'ls -Sp | grep -v / | head -n 5') },
  },
  {
    language: 'python',
    request: 'Write a Python function count_words(text) that returns how many words a text has.',
    name: 'count_words',
    gold: 'len\\(text\\.split\\(\\)\\)',
    difficulty: 'easy',
    right: python('def count_words(text):\n    return len(text.split())'),
  },
  {
    language: 'python',
    request: 'Write a Python function celsius(fahrenheit) that converts a temperature.',
    name: 'celsius',
    gold: '(- 32\\) \\* 5 / 9|- 32\\) / 1\\.8)',
    difficulty: 'easy',
    right: python('def celsius(fahrenheit):\n    return (fahrenheit - 32) * 5 / 9'),
    own: {
      premium: python(
        'def celsius(fahrenheit: float) -> float:\n    """Convert degrees Fahrenheit to degrees Celsius."""\n    return (fahrenheit - 32) * 5 / 9',
      ),
    },
  },
  {
    language: 'typescript',
    request: 'Write a TypeScript function unique<Value>(values: Value[]): Value[] that removes duplicates and keeps the order.',
    name: 'unique',
    gold: 'new Set',
    difficulty: 'easy',
    right: typescript('export function unique<Value>(values: Value[]): Value[] {\n  return [...new Set(values)];\n}'),
  },
  {
    language: 'sql',
    request: 'Write an SQL query that returns name and price of the ten dearest rows of the table products.',
    name: 'products',
    gold: 'DESC[\\s\\S]*10',
    difficulty: 'easy',
    right: sql('SELECT name, price FROM products ORDER BY price DESC LIMIT 10;'),
    own: { premium: sql('SELECT name, price\nFROM products\nORDER BY price DESC\nFETCH FIRST 10 ROWS ONLY;') },
  },
  {
    language: 'python',
    request: 'Write a Python function flatten(lists) that turns a list of lists into one list.',
    name: 'flatten',
    gold: 'for',
    difficulty: 'easy',
    right: python('def flatten(lists):\n    return [value for values in lists for value in values]'),
  },
  {
    language: 'python',
    request: 'Write a Python function is_palindrome(text) that ignores case, spaces and punctuation.',
    name: 'is_palindrome',
    gold: 'isalnum[\\s\\S]*::-1',
    difficulty: 'medium',
    right: python(
      'def is_palindrome(text):\n    letters = [mark.lower() for mark in text if mark.isalnum()]\n    return letters == letters[::-1]',
    ),
  },
  {
    language: 'typescript',
    request:
      'Write a TypeScript function chunk<Value>(values: Value[], size: number): Value[][] that cuts an array into pieces of the given size.',
    name: 'chunk',
    gold: '\\+= size',
    difficulty: 'medium',
    right: typescript(
      'export function chunk<Value>(values: Value[], size: number): Value[][] {\n  const pieces: Value[][] = [];\n  for (let start = 0; start < values.length; start += size) pieces.push(values.slice(start, start + size));\n  return pieces;\n}',
    ),
  },
  {
    language: 'sql',
    request:
      'Tables: customers(customer_id, name), orders(order_id, customer_id, total). Write an SQL query for the sum of totals per customer name, including customers who never ordered (sum 0).',
    name: 'customers',
    gold: 'LEFT JOIN[\\s\\S]*GROUP BY',
    difficulty: 'medium',
    right: sql(
      'SELECT customers.name, COALESCE(SUM(orders.total), 0) AS total\nFROM customers\nLEFT JOIN orders ON orders.customer_id = customers.customer_id\nGROUP BY customers.customer_id, customers.name;',
    ),
    own: {
      economy: sql(
        'SELECT customers.name, COALESCE(SUM(orders.total), 0) AS total\nFROM customers\nJOIN orders ON orders.customer_id = customers.customer_id\nGROUP BY customers.customer_id, customers.name;',
      ),
    },
  },
  {
    language: 'python',
    request: 'Write a Python function roman(number) that converts 1 to 3999 to a Roman numeral.',
    name: 'roman',
    gold: '900[\\s\\S]*"?CM',
    difficulty: 'medium',
    right: python(
      'def roman(number):\n    signs = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]\n    text = ""\n    for value, sign in signs:\n        while number >= value:\n            text += sign\n            number -= value\n    return text',
    ),
  },
  {
    language: 'typescript',
    request:
      'Write a TypeScript function debounce(action, waitMs) that calls the action once, with the latest arguments, when no call has come for waitMs milliseconds.',
    name: 'debounce',
    gold: 'clearTimeout[\\s\\S]*setTimeout',
    difficulty: 'medium',
    right: typescript(debounce),
    own: {
      economy:
        'To debounce a function you keep a timer in a closure. Whenever the function is called, debounce first stops the timer and then starts it anew, so only the latest call counts. You can also use the helper of a utility library.',
    },
  },
  {
    language: 'python',
    request:
      'Write a Python function merge_intervals(intervals) that joins overlapping or touching intervals given as (start, end) pairs. Constraints: the input is in any order; the result is sorted; an interval inside another one must not shorten it; do not change the input. Explain nothing, return one code block.',
    name: 'merge_intervals',
    gold: 'sorted\\([\\s\\S]*max\\(',
    difficulty: 'hard',
    right: python(mergeIntervals),
    own: { economy: python(mergeIntervals.replace('max(merged[-1][1], end)', 'end')) },
  },
  {
    language: 'python',
    request:
      'Write a Python function first_at_least(values, limit) that returns, by binary search in a sorted list, the index of the first value not smaller than the limit, and len(values) if there is none. Constraints: no bisect module, duplicates must yield the first of them, the empty list must work. Consider the borders step by step before you write.',
    name: 'first_at_least',
    gold: 'len\\(values\\)\\n[\\s\\S]*while low < high',
    difficulty: 'hard',
    right: python(searchFirst),
  },
  {
    language: 'typescript',
    request:
      'Write a TypeScript function retry(action, attempts, delayMs). Constraints: action is called at most `attempts` times; before the second try it waits delayMs, before the third twice that, and so on, doubling; after the last failure it throws at once, without waiting; the error thrown is the last one; the result type is inferred from the action.',
    name: 'retry',
    gold: 'if \\(attempt >= attempts\\) throw[\\s\\S]*\\*\\* \\(attempt - 1\\)',
    difficulty: 'hard',
    right: typescript(retry),
    own: {
      economy: typescript(
        retry.replace(
          'if (attempt >= attempts) throw error;\n      await new Promise((resolve) => setTimeout(resolve, delayMs * 2 ** (attempt - 1)));',
          'await new Promise((resolve) => setTimeout(resolve, delayMs * 2 ** attempt));\n      if (attempt > attempts) throw error;',
        ),
      ),
      standard: typescript(retry.replace('** (attempt - 1)', '** attempt')),
    },
  },
  {
    language: 'typescript',
    request:
      'Write a TypeScript function limitConcurrency(limit: number) that returns run(task), which runs asynchronous tasks so that at most `limit` of them are active. Constraints: tasks start in the order of the calls; a task that throws must free its place; a call made while a place is being handed over must not overtake the queue; results and errors reach the caller of run.',
    name: 'limitConcurrency',
    gold: 'finally[\\s\\S]*shift\\(\\)[\\s\\S]*else active -= 1',
    difficulty: 'hard',
    right: typescript(limiter),
    own: {
      economy: cutOff(typescript(limiter)),
      standard: typescript(
        limiter.replace(
          '    try {\n      return await task();\n    } finally {\n      const next = waiting.shift();\n      if (next) next();\n      else active -= 1;\n    }',
          '    const result = await task();\n    const next = waiting.shift();\n    if (next) next();\n    else active -= 1;\n    return result;',
        ),
      ),
      premium: typescript(
        limiter.replace('      if (next) next();\n      else active -= 1;', '      active -= 1;\n      if (next) next();'),
      ),
    },
  },
  {
    language: 'python',
    request:
      'Write a Python function build_order(needs), where needs maps a step to the steps that must be done before it (a step may appear only as a prerequisite). It returns all steps in an order in which they can be done. Constraints: among steps that are free at the same time prefer alphabetical order as a depth-first walk meets them; raise ValueError for a cycle; never visit a step twice.',
    name: 'build_order',
    gold: 'in active:\\n\\s+raise ValueError[\\s\\S]*return order',
    difficulty: 'hard',
    right: python(topologicalOrder),
    own: {
      economy: cutOff(python(topologicalOrder)),
      standard: python(
        topologicalOrder
          .replace('        if step in active:\n            raise ValueError(f"cycle at {step}")\n', '')
          .replace('        if step in done:\n', '        if step in done or step in active:\n'),
      ),
    },
  },
  {
    language: 'sql',
    request:
      'Table orders(order_id, customer_id, placed_at, status). Write one standard SQL query that returns for every customer the latest order (customer_id, order_id, placed_at). Constraints: cancelled orders do not count; of two orders placed at the same time the one with the larger order_id is the later one; exactly one row per customer; no vendor extensions.',
    name: 'orders',
    gold: 'PARTITION BY customer_id ORDER BY placed_at DESC, order_id DESC',
    difficulty: 'hard',
    right: sql(latestOrders),
    own: {
      economy:
        'You want the latest order of each customer. First group the table orders by customer_id and take the maximum of placed_at; then join the result back to orders. Remember to leave out cancelled orders.',
      standard: sql(
        "SELECT customer_id, MAX(order_id) AS order_id, MAX(placed_at) AS placed_at\nFROM orders\nWHERE status <> 'cancelled'\nGROUP BY customer_id;",
      ),
    },
  },
  {
    language: 'sql',
    request:
      'Tables customers(customer_id, name), orders(order_id, customer_id, placed_at); customer_id of orders may be NULL for guests. Write an SQL query for customers without any order since 1 January 2026, sorted by name. Constraints: customers who never ordered are included; guest orders must not make the result empty; each customer appears once.',
    name: 'customers',
    gold: '(NOT EXISTS|IS NOT NULL)',
    difficulty: 'hard',
    right: sql(missingCustomers),
    own: {
      economy: sql(
        "SELECT customer_id, name\nFROM customers\nWHERE customer_id NOT IN (\n  SELECT customer_id FROM orders WHERE placed_at >= DATE '2026-01-01'\n)\nORDER BY name;",
      ),
    },
  },
  {
    language: 'typescript',
    request:
      'Write a TypeScript class Cache<Value> with get(key: string) and set(key: string, value: Value) that holds at most `capacity` entries (constructor argument) and drops the least recently used one. Constraints: reading an entry makes it recent; setting an existing key must not drop another one; both methods work in constant time; private fields.',
    name: 'Cache',
    gold: 'get\\([\\s\\S]*this\\.#entries\\.delete\\(key\\);\\s+this\\.#entries\\.set\\(key, value\\);\\s+return value[\\s\\S]*size > this',
    difficulty: 'hard',
    right: typescript(leastRecentlyUsed),
    own: {
      economy: cutOff(typescript(leastRecentlyUsed)),
      standard: typescript(
        leastRecentlyUsed.replace(
          '    this.#entries.delete(key);\n    this.#entries.set(key, value);\n    return value;',
          '    return value;',
        ),
      ),
    },
  },
  {
    language: 'python',
    request:
      'Write a Python function split_csv_line(line) that splits one line of CSV. Constraints: no csv module; a field may stand in double quotes and then contain commas; two double quotes inside a quoted field stand for one; empty fields are kept, also at the end; no regular expressions. Work through `a,"b ""x"", c",,` step by step before you answer.',
    name: 'split_csv_line',
    gold: 'line\\[index \\+ 1',
    difficulty: 'hard',
    right: python(csvLine),
    own: {
      economy: `Here is a function in JavaScript that does the same:\n\n\`\`\`javascript\nfunction splitCsvLine(line) {\n  return line.split(',');\n}\n\`\`\``,
    },
  },
  {
    language: 'python',
    request:
      'Write a Python class RunningMedian with add(value) and median(). Constraints: add takes logarithmic time and median constant time; for an even number of values the median is the mean of the two in the middle; use only the standard library; calling median before add need not work. Show the complete class in one code block.',
    name: 'RunningMedian',
    gold: 'heappush\\(self\\.high, -heapq\\.heappop\\(self\\.low\\)\\)[\\s\\S]*self\\.high\\[0\\] - self\\.low\\[0\\]',
    difficulty: 'hard',
    right: python(runningMedian),
    own: {
      economy: cutOff(python(runningMedian)),
      standard: python(runningMedian.replace('(self.high[0] - self.low[0]) / 2', '(self.high[0] + self.low[0]) / 2')),
    },
  },
  {
    language: 'typescript',
    request:
      'Write a TypeScript function shareCents(total: number, weights: number[]): number[] that splits a whole number of cents in proportion to whole-number weights. Constraints: every share is a whole number; the shares add up to the total exactly; cents left over go to the largest remainders, ties to the earlier position; total and weights are not negative and at least one weight is positive.',
    name: 'shareCents',
    gold: '% sum[\\s\\S]*right\\.rest - left\\.rest',
    difficulty: 'hard',
    right: typescript(shareCents),
    own: {
      economy: typescript(
        'export function shareCents(total: number, weights: number[]): number[] {\n  const sum = weights.reduce((left, right) => left + right, 0);\n  return weights.map((weight) => Math.round((total * weight) / sum));\n}',
      ),
    },
  },
  {
    language: 'python',
    request:
      'Write a Python function cheapest(graph, start, goal), where graph maps a place to a mapping of neighbours to fares (not negative). It returns the lowest total fare, or None if the goal cannot be reached. Constraints: do not visit outdated queue entries again; start and goal may be equal; places may lack an entry in the graph; prove to yourself that returning at the first arrival is allowed, but print only the code.',
    name: 'cheapest',
    gold: 'heappop\\(queue\\)\\n\\s+if place == goal[\\s\\S]*return None',
    difficulty: 'hard',
    right: python(shortestPath),
    own: { economy: cutOff(python(shortestPath)) },
  },
  {
    language: 'sql',
    request:
      'Table bookings(booking_id, account_id, booked_on, amount). Write an SQL query that lists every booking with the running balance of its account. Constraints: several bookings on one day are ordered by booking_id and each shows its own balance, not the one of the whole day; the result is sorted by account, day and booking_id; one statement without a self join.',
    name: 'bookings',
    gold: 'ROWS (BETWEEN )?UNBOUNDED PRECEDING',
    difficulty: 'hard',
    right: sql(runningTotals),
    own: {
      economy: sql(
        'SELECT account_id, booked_on, amount,\n       SUM(amount) OVER (PARTITION BY account_id ORDER BY booked_on) AS balance\nFROM bookings\nORDER BY account_id, booked_on, booking_id;',
      ),
      standard: sql(
        'SELECT account_id, booked_on, amount,\n       SUM(amount) OVER (PARTITION BY account_id ORDER BY booked_on) AS balance\nFROM bookings\nORDER BY account_id, booked_on, booking_id;',
      ),
    },
  },
  {
    language: 'python',
    request:
      'Write a Python function add_months(day, months) for datetime.date. Constraints: standard library only; 31 January plus one month is the last day of February, also in leap years; months may be negative and larger than twelve; December must not become month 0 or 13. Think through the borders step by step.',
    name: 'add_months',
    gold: 'divmod\\(index, 12\\)[\\s\\S]*min\\(day\\.day',
    difficulty: 'hard',
    right: python(addMonths),
    own: {
      economy: `You can add months like this:\n\n    month = day.month + months\n    add_months = day.replace(month=month)\n\nBe careful with the 31st, though.`,
    },
  },
  {
    language: 'bash',
    request:
      'Write a bash script that deletes log files (*.log) under /var/tmp/app that were last changed more than 14 days ago. Constraints: file names may contain spaces and line breaks; print each name before deleting it; stop at the first error; do nothing if the folder does not exist.',
    gold: '-print -delete|-print0',
    difficulty: 'hard',
    right: fenced(
      'bash',
      'set -euo pipefail\nfolder=/var/tmp/app\n[ -d "$folder" ] || exit 0\nfind "$folder" -type f -name "*.log" -mmin +20160 -print -delete',
    ),
    own: {
      economy: fenced(
        'bash',
        'set -e\ncd /var/tmp/app\nfor file in $(find . -name "*.log" -mtime +14); do\n  echo $file\n  rm $file\ndone',
      ),
    },
  },
  {
    language: 'python',
    request:
      'Write a Python function group_by_day(events) that takes (ISO timestamp, name) pairs and returns a dictionary from day to the list of names, in the order of the input.',
    name: 'group_by_day',
    gold: '\\[:10\\]|\\.date\\(\\)',
    difficulty: 'medium',
    right: python(
      'from datetime import datetime\n\ndef group_by_day(events):\n    days = {}\n    for moment, name in events:\n        day = datetime.fromisoformat(moment).date().isoformat()\n        days.setdefault(day, []).append(name)\n    return days',
    ),
    own: {
      economy: python(
        'def group_by_day(events):\n    days = {}\n    for moment, name in events:\n        days.setdefault(moment[:10], []).append(name)\n    return days',
      ),
    },
  },
];

function checksOf(assignment: Assignment): Check[] {
  const checks: Check[] = [{ type: 'regex', pattern: `\`\`\`${assignment.language}\\n[^\`]+\\n\`\`\`` }];
  if (assignment.name !== undefined) checks.push({ type: 'contains', values: [assignment.name], mode: 'all' });
  if (assignment.difficulty === 'hard')
    checks.push({
      type: 'llm_judge',
      rubric:
        'Walk through the code with normal and border cases from the request. Full marks only if it is complete and meets every constraint.',
    });
  return checks;
}

function entryOf(assignment: Assignment): ChatEntry {
  return {
    row: {
      task: 'code_generation',
      input: { prompt: `${assignment.request} Reply with one \`\`\`${assignment.language} code block.`, max_output_tokens: 500 },
      checks: checksOf(assignment),
      gold: assignment.gold,
      matcher: 'regex',
    },
    difficulty: assignment.difficulty,
    answers: answersFrom(assignment.right, assignment.own),
  };
}

export const codeGeneration: ChatEntry[] = assignments.map(entryOf);
