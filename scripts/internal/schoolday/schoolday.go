// Package schoolday is the day that students spend with the platform. The load
// run plays it against the local stack, the simulation against the limits of the
// cloud: both read the same script.
package schoolday

import "time"

// Visit is one sitting of a student at the platform.
type Visit struct {
	Name       string
	Share      float64 // of the students, who make it on a day
	AtSchool   bool    // behind the school's one address
	Begins     Curve
	Activities []Activity
}

// Activity is what a student does in a visit, from its first step to its last.
type Activity struct {
	Name   string
	Chance float64 // that a visit has it
	Steps  []Step
}

// Step is calls of one operation.
type Step struct {
	Operation string        // the function's id
	Think     time.Duration // before each call: what the student takes to read and to decide
	Times     int           // how often in a row; once when zero
	Causes    string        // the private function that runs because of it
	Awaits    bool          // the call lasts until what was caused is done
}

// Calls is how often the step calls.
func (s Step) Calls() int { return max(1, s.Times) }

// browse is what everybody looks at first.
var browse = Activity{"browse", 1, []Step{
	{Operation: "accounts-get-profile", Think: 1 * time.Second},
	{Operation: "courses-list", Think: 1 * time.Second},
	{Operation: "courses-get", Think: 5 * time.Second},
	{Operation: "documents-list", Think: 1 * time.Second},
	{Operation: "documents-get", Think: 10 * time.Second},
}}

func review(cards int) Activity {
	return Activity{"review", 1, []Step{
		{Operation: "flashcards-list-due", Think: 5 * time.Second},
		{Operation: "flashcards-review", Think: 12 * time.Second, Times: cards},
	}}
}

func chat(chance float64, questions int) Activity {
	return Activity{"chat", chance, []Step{
		{Operation: "chats-create", Think: 10 * time.Second},
		{Operation: "chats-send-message", Think: 40 * time.Second, Times: questions},
	}}
}

var signIn = Activity{"sign in", 1, []Step{{Operation: "accounts-login"}}}

// resume is how a program goes on that was signed in before.
var resume = Activity{"sign in", 1, []Step{{Operation: "accounts-refresh-token"}}}

// Day is a day of school: a lesson with the whole class, homework, and cards in
// the evening. Nobody measured it: it is what the product is made for.
var Day = []Visit{
	{
		Name: "lesson", Share: 0.9, AtSchool: true,
		Begins:     NewCurve(0.4, map[int]float64{7: 2, 8: 10, 9: 9, 10: 9, 11: 8, 12: 3, 13: 5, 14: 4}),
		Activities: []Activity{signIn, browse, review(8), chat(0.3, 1)},
	},
	{
		Name: "homework", Share: 0.6,
		Begins: NewCurve(0.15, map[int]float64{13: 2, 14: 5, 15: 9, 16: 10, 17: 8, 18: 5, 19: 3}),
		Activities: []Activity{resume, browse,
			{"upload", 0.25, []Step{
				{Operation: "documents-create", Think: 20 * time.Second, Causes: "process-document"},
				{Operation: "documents-stream-events", Awaits: true},
				{Operation: "documents-generate", Think: 15 * time.Second},
				{Operation: "flashcards-list", Think: 5 * time.Second},
			}},
			{"search", 0.5, []Step{{Operation: "documents-search", Think: 15 * time.Second, Times: 2}}},
			chat(0.6, 3),
		},
	},
	{
		Name: "evening", Share: 0.5,
		Begins:     NewCurve(0.15, map[int]float64{18: 4, 19: 8, 20: 10, 21: 5}),
		Activities: []Activity{resume, review(12), chat(0.2, 2)},
	},
}

// Longest is how long the longest visit takes a student who is answered at once.
func Longest(day []Visit) time.Duration {
	var longest time.Duration
	for _, v := range day {
		var long time.Duration
		for _, a := range v.Activities {
			for _, s := range a.Steps {
				long += time.Duration(s.Calls()) * s.Think
			}
		}
		longest = max(longest, long)
	}
	return longest
}

// Operations lists the functions that the day calls or causes, each once, in the
// order of the script.
func Operations(day []Visit) []string {
	var all []string
	seen := map[string]bool{"": true}
	for _, v := range day {
		for _, a := range v.Activities {
			for _, s := range a.Steps {
				for _, operation := range []string{s.Operation, s.Causes} {
					if !seen[operation] {
						seen[operation] = true
						all = append(all, operation)
					}
				}
			}
		}
	}
	return all
}
