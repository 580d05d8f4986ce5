package fsrs_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"aksio.app/shared/flashcards/fsrs"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*fsrs.Parameters)
		want   string // in the error, "" for none
	}{
		{"defaults", func(*fsrs.Parameters) {}, ""},
		{"long-term", func(p *fsrs.Parameters) { p.LearningSteps, p.RelearningSteps, p.Weights[19] = nil, nil, 0 }, ""},
		{"w19 with steps", func(p *fsrs.Parameters) { p.Weights[19] = 0 }, "weight 19"},
		{"weight too high", func(p *fsrs.Parameters) { p.Weights[4] = 11 }, "weight 4 is 11; it must be from 1 to 10"},
		{"weight not a number", func(p *fsrs.Parameters) { p.Weights[20] = math.NaN() }, "weight 20"},
		{"no retention", func(p *fsrs.Parameters) { p.Retention = 0 }, "retention"},
		{"retention in per cent", func(p *fsrs.Parameters) { p.Retention = 90 }, "such as 0.9"},
		{"retention not a number", func(p *fsrs.Parameters) { p.Retention = math.NaN() }, "retention"},
		{"no interval", func(p *fsrs.Parameters) { p.MaximumInterval = 0 }, "maximum interval"},
		{"over a century", func(p *fsrs.Parameters) { p.MaximumInterval = 36501 }, "maximum interval"},
		{"half a minute", func(p *fsrs.Parameters) { p.LearningSteps = []time.Duration{30 * time.Second} }, "learning step 0 is 30s"},
		{"negative step", func(p *fsrs.Parameters) { p.RelearningSteps = []time.Duration{time.Minute, -time.Minute} }, "relearning step 1"},
	} {
		p := fsrs.Defaults()
		tc.change(p)
		err := p.Validate()
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: error %v, want %q", tc.name, err, tc.want)
		}
	}

	bad := fsrs.Parameters{}
	if text := bad.Validate().Error(); !strings.Contains(text, "weight 0") || !strings.Contains(text, "retention") {
		t.Errorf("the zero parameters report only %q", text)
	}
}

func TestParametersSurviveJSON(t *testing.T) {
	t.Parallel()
	want := fsrs.Defaults()
	want.FuzzSeed = "card"
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got := new(fsrs.Parameters)
	if err := json.Unmarshal(text, got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, wrote %+v", got, want)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	type both struct {
		Rating fsrs.Rating
		State  fsrs.State
	}
	for _, tc := range []struct {
		value both
		want  string
	}{
		{both{fsrs.Again, fsrs.New}, `{"Rating":"again","State":"new"}`},
		{both{fsrs.Hard, fsrs.Learning}, `{"Rating":"hard","State":"learning"}`},
		{both{fsrs.Good, fsrs.Review}, `{"Rating":"good","State":"review"}`},
		{both{fsrs.Easy, fsrs.Relearning}, `{"Rating":"easy","State":"relearning"}`},
	} {
		text, err := json.Marshal(tc.value)
		if err != nil || string(text) != tc.want {
			t.Errorf("wrote %s, %v, want %s", text, err, tc.want)
		}
		var back both
		if err := json.Unmarshal(text, &back); err != nil || back != tc.value {
			t.Errorf("read %+v, %v, want %+v", back, err, tc.value)
		}
	}

	for _, text := range []string{"", "Good", "splendid", "3"} {
		r, s := fsrs.Hard, fsrs.Review
		if err := r.UnmarshalText([]byte(text)); err == nil || r != fsrs.Hard || !strings.HasSuffix(err.Error(), "use one of again, hard, good, easy") {
			t.Errorf("rating %q: %v, %v", text, r, err)
		}
		if err := s.UnmarshalText([]byte(text)); err == nil || s != fsrs.Review {
			t.Errorf("state %q: %v, %v", text, s, err)
		}
	}
	for _, r := range []fsrs.Rating{-1, 0, 5} {
		if text, err := r.MarshalText(); err == nil {
			t.Errorf("rating %d written as %q", int(r), text)
		}
	}
	if got := fsrs.Rating(9).String(); got != "rating(9)" {
		t.Errorf("String of an unknown rating is %q", got)
	}
}
