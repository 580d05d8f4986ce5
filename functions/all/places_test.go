package all_test

import "testing"

// A place in a document has the same names wherever it is shown.
func TestPlacesHaveTheSameNames(t *testing.T) {
	t.Parallel()
	document := readAPI(t)
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
