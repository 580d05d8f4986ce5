// Writes vectors.json: what ts-fsrs makes of random review histories.
//
// In an empty folder outside the repository:
//   npm install ts-fsrs@5.4.2
//   node <path to>/vectors.mjs > <path to>/vectors.json
//
// ts-fsrs is MIT licensed, © Open Spaced Repetition; only its results are kept.
import { createRequire } from 'node:module'

const require = createRequire(process.cwd() + '/')
const { FSRSVersion, fsrs, createEmptyCard, default_w, CLAMP_PARAMETERS, GenSeedStrategyWithCardId, StrategyMode } = require('ts-fsrs')

const start = Date.UTC(2026, 0, 1)
const minute = 60_000
const day = 1440 * minute

// mulberry32: the same histories on every run.
let seed = 20260101
function random() {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
const upTo = (n) => Math.floor(random() * n)

function randomWeights() {
  return CLAMP_PARAMETERS(2, true).map(([low, high]) => +(low + random() * (high - low)).toFixed(4))
}

// A gap in minutes since the last review: minutes, on time, early, or up to thrice as late.
// Intervals of more than 76 years are cut short: Go's time.Duration ends at 292.
function gap(card, now) {
  const scheduled = Math.min(Math.max(1, (card.due - now) / minute), 40_000_000)
  switch (upTo(6)) {
    case 0: return upTo(30)
    case 1: return upTo(1440)
    case 2: return Math.floor(scheduled * random())
    case 3: return Math.floor(scheduled * (1 + 2 * random()))
    default: return Math.round(scheduled) + upTo(600)
  }
}

const ratings = [1, 2, 3, 3, 3, 3, 4]

// A review reads: rating, gap in minutes, ">", minutes until due, state, step.
function history(f, length, cardID) {
  let card = { ...createEmptyCard(new Date(start)), id: cardID }
  let now = start
  const reviews = []
  for (let i = 0; i < length; i++) {
    const wait = i === 0 ? upTo(1440) : gap(card, now)
    const rating = ratings[upTo(ratings.length)]
    now += wait * minute
    card = f.next(card, new Date(now), rating).card
    const due = (card.due - now) / minute
    reviews.push(`${rating} ${wait}>${due % 1440 ? due : due / 1440 + 'd'} ${'NLRA'[card.state]}${card.learning_steps}`)
  }
  const later = f.get_retrievability(card, new Date(now + 40 * day), false)
  return [reviews.join(','), card.stability, card.difficulty, card.lapses, later]
}

function group(name, count, settings = {}, lengths = 9) {
  const params = {
    w: [...default_w],
    request_retention: 0.9,
    maximum_interval: 36500,
    learning_steps: ['1m', '10m'],
    relearning_steps: ['10m'],
    ...settings,
  }
  // The Go package takes "no steps at all" for long-term mode.
  params.enable_short_term = params.learning_steps.length + params.relearning_steps.length > 0
  const histories = []
  for (let i = 0; i < count; i++) {
    const f = fsrs(params)
    if (params.enable_fuzz) f.useStrategy(StrategyMode.SEED, GenSeedStrategyWithCardId('id'))
    histories.push(history(f, 2 + upTo(lengths), `card-${i}-`))
  }
  return {
    name,
    weights: params.w,
    retention: params.request_retention,
    maximum_interval: params.maximum_interval,
    learning_steps: params.learning_steps,
    relearning_steps: params.relearning_steps,
    fuzz: params.enable_fuzz ?? false,
    histories,
  }
}

const none = { learning_steps: [], relearning_steps: [] }
const groups = [
  group('defaults', 400),
  group('long histories', 12, {}, 100),
  group('long-term', 240, none),
  group('long-term, long histories', 8, none, 100),
  group('at most 3650 days', 60, { maximum_interval: 3650 }, 16),
  group('at most 30 days', 60, { maximum_interval: 30 }, 12),
  group('long-term, at most 30 days', 60, { maximum_interval: 30, ...none }, 12),
  group('retention 0.8', 80, { request_retention: 0.8 }),
  group('retention 0.97', 80, { request_retention: 0.97 }),
  group('one learning step', 80, { learning_steps: ['15m'] }),
  group('learning steps only', 80, { relearning_steps: [] }),
  group('relearning steps only', 80, { learning_steps: [] }),
  group('steps of a day and more', 120, { learning_steps: ['5m', '1d', '3d'], relearning_steps: ['10m', '2d'] }),
  group('many relearning steps', 120, { relearning_steps: ['1m', '5m', '20m', '2h'] }),
  group('unstable beginnings', 40, { w: [0.001, 0.05, 0.08, 0.2, ...default_w.slice(4)] }),
  group('fuzz', 160, { enable_fuzz: true }),
  group('fuzz, long-term', 80, { enable_fuzz: true, ...none }),
  group('fuzz, at most 30 days', 40, { enable_fuzz: true, maximum_interval: 30 }),
]
for (let i = 0; i < 25; i++) {
  const steps = i % 3 === 2 ? none : {}
  groups.push(group(`random weights ${i}`, 16, { w: randomWeights(), request_retention: +(0.7 + 0.28 * random()).toFixed(2), ...steps }))
}

const lines = (list) => '[\n' + list.map((x) => JSON.stringify(x)).join(',\n') + '\n]'
const body = groups.map(({ histories, ...rest }) => JSON.stringify(rest).slice(0, -1) + ',"histories":' + lines(histories) + '}')
process.stdout.write(`{"made_by":"vectors.mjs","ts_fsrs":"${FSRSVersion}","groups":[\n${body.join(',\n')}\n]}\n`)
