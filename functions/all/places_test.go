package all_test

import (
	"encoding/json"
	"testing"

	"aksio.app/shared/api"
)

// A place in a document has the same names wherever it is shown.
func TestPlacesHaveTheSameNames(t *testing.T) {
	t.Parallel()
	text, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	places := 0
	for name, schema := range document.Components.Schemas {
		if schema.Properties["passage_id"] == nil || schema.Properties["source"] != nil { // a question has its place under source
			continue
		}
		places++
		for _, want := range []string{"document_id", "title", "heading", "page_start", "page_end", "char_start", "char_end"} {
			if schema.Properties[want] == nil {
				t.Errorf("%s has no %s", name, want)
			}
		}
	}
	if places < 4 {
		t.Errorf("%d places are shown, want those of answers, cards, questions and searches", places)
	}
}
