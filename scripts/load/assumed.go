package main

import (
	"time"

	"aksio.app/scripts/internal/simulation"
	"aksio.app/shared/database"
)

// What the simulation can't measure here. Change a line and say where it is from.

// production is what all functions share in the cloud.
var production = simulation.Platform{
	// db-custom-2-7680 has 2 processors and grants 400 connections; 90 % of them are
	// the functions', as the test over all declarations demands.
	DatabaseCores:       2,
	DatabaseConnections: 360,
	Pool:                database.DefaultPool,
	RoundTrip:           time.Millisecond, // within a region
	AcquireWait:         5 * time.Second,  // shared/database
	IdleClose:           5 * time.Minute,  // the same: idle_session_timeout
	QueueWait:           10 * time.Second, // Cloud Run: this or 3.5 times a start, whichever is longer
	Utilization:         0.6,              // Cloud Run adds instances from there
	IdleInstance:        15 * time.Minute, // Cloud Run keeps one for up to that
	InstanceStart:       1 * time.Second,  // nobody publishes it: sandbox, image, first connection to the database
	ModelWait:           60 * time.Second, // AI_TIMEOUT
	TokensPerMinute:     10_000_000,       // OpenAI's gpt-4o-mini in usage tier 4; tier 5 has 150 million
	RequestsPerMinute:   10_000,           // the same; tier 5 has 30,000
	School:              800,              // students behind one school's address
	PerAddress: map[string]simulation.Rate{ // shared/accounts
		"accounts-login":         {Count: 20, Per: time.Minute},
		"accounts-refresh-token": {Count: 60, Per: time.Minute},
	},
}

// asking is what the language model adds to a call. The offline model, with which
// the profile is measured, computes instead of waiting.
type asking struct {
	calls  float64
	tokens float64 // sent and received
	took   time.Duration
}

// A passage has 180 words, some 250 tokens. A model writes some 70 tokens a second
// and begins after half a second.
var askings = map[string]asking{
	// eight passages, rules and a few turns; an answer of 300 tokens
	"chats-send-message": {1, 3_000, 5 * time.Second},
	// forty passages, read for the cards, for the questions and to verify those;
	// ten cards and ten questions of 100 tokens
	"documents-generate": {3, 36_000, 25 * time.Second},
	// the summary of a script of 20 pages: its text once, and 300 tokens; vectors
	// have a budget of their own, which is larger
	"process-document": {1, 13_000, 6 * time.Second},
	// the vector of the query, without a token of the chat model's
	"documents-search": {0, 0, 300 * time.Millisecond},
}

// correction makes of a function's profile, measured here, one of the cloud.
type correction struct {
	work  float64       // so many times as much is computed and stored
	start time.Duration // more before an instance's first answer
}

// The profile's document has 3 pages, a day's has 20, as above. And the first PDF of an
// instance compiles PDFium, whose compiled form the profile's runs find: `make bench` says
// how long that takes.
var corrections = map[string]correction{"process-document": {work: 20. / 3, start: 3 * time.Second}}

// tiers are the numbers of processors that a database can have, without a step in between.
var tiers = []int{1, 2, 4, 8, 16, 32, 64, 96}
