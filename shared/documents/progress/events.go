package progress

import (
	"encoding/json"

	"aksio.app/shared/documents"
)

// Topic is where the progress of a document is published.
func Topic(document documents.ID) string { return "document-" + document.String() }

// Event is what those who watch a document are told of its reading.
type Event struct {
	Event    string       `json:"event" enum:"document_created,document_status,extracting_text,extraction_complete,duplicate_detected,embedding_progress,processing_complete,extraction_failed,processing_failed" doc:"What happened. Nothing follows after processing_complete, extraction_failed and processing_failed."`
	Document documents.ID `json:"document_id"`
	Progress float64      `json:"progress" doc:"0 to 100."`

	Filename    string           `json:"filename,omitempty" doc:"With document_created."`
	Message     string           `json:"message,omitempty" doc:"With extracting_text and duplicate_detected."`
	Status      documents.Status `json:"status,omitempty" enum:"uploading,processing,completed,failed" doc:"With document_status."`
	Stage       documents.Stage  `json:"stage,omitempty" doc:"With document_status, unless nothing is being done: extract, embed or summarize."`
	Pages       *int             `json:"page_count,omitempty" doc:"With extraction_complete, if the document has pages."`
	Done        *int             `json:"processed_chunks,omitempty" doc:"With document_status and embedding_progress."`
	Chunks      *int             `json:"total_chunks,omitempty" doc:"With document_status, extraction_complete and embedding_progress."`
	DuplicateOf *documents.ID    `json:"duplicate_of,omitempty" doc:"With duplicate_detected: the document with the same bytes whose reading was taken over."`
	Graph       *documents.ID    `json:"graph_id,omitempty" doc:"With document_created and processing_complete: the document's id."`
	Nodes       *int             `json:"total_nodes,omitempty" doc:"With processing_complete."`
	Edges       *int             `json:"total_edges,omitempty" doc:"With processing_complete."`
	Reading     int64            `json:"reading,omitempty" doc:"With the last event: number of the reading that it ends; a later reading's is higher."`
	Error       string           `json:"error,omitempty" doc:"With a failure: what went wrong and what to do about it."`
	Code        string           `json:"code,omitempty" doc:"With a failure: a stable word for programs."`
}

// Data returns the event as the live store keeps it.
func (e Event) Data() map[string]any {
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // plain values always marshal
	}
	var data map[string]any
	_ = json.Unmarshal(text, &data) // it is an object
	return data
}

// parse returns the event that the live store kept.
func parse(data map[string]any) (e Event, err error) {
	text, err := json.Marshal(data)
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	return e, err
}

// Completed is the last event of a reading, by its number, that succeeded.
func Completed(document documents.ID, reading int64) Event {
	return Event{Event: "processing_complete", Document: document, Reading: reading, Progress: 100, Graph: &document, Nodes: new(0), Edges: new(0)}
}

// Failed is the last event of a reading that didn't.
func Failed(document documents.ID, reading int64, stage documents.Stage, progress float64, code, message string) Event {
	event := "processing_failed"
	if stage.Reads() {
		event = "extraction_failed"
	}
	return Event{Event: event, Document: document, Reading: reading, Progress: progress, Error: message, Code: code}
}
