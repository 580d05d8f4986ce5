package fsrs_test

import (
	"encoding/json"
	"strings"
	"testing"

	"aksio.app/shared/flashcards/fsrs"
)

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
