// Package documents is how the operations on documents show one.
package documents

import (
	"time"

	"aksio.app/shared/courses"
	"aksio.app/shared/decimals"
	"aksio.app/shared/documents"
)

// Document is a document on the wire.
type Document struct {
	ID          documents.ID     `json:"id"`
	Name        string           `json:"name"`
	Description *string          `json:"description"`
	Type        string           `json:"document_type" enum:"file,url,video,text,audio,pdf,document,markdown,image,other,web_page"`
	FileURL     string           `json:"file_url" doc:"Where the file can be fetched for a short time; empty in lists and while there is none."`
	Size        *int64           `json:"file_size_bytes"`
	ContentType string           `json:"content_type"`
	Filename    string           `json:"original_filename"`
	SourceURL   string           `json:"source_url"`
	Thumbnail   string           `json:"thumbnail_url"`
	Duration    *int             `json:"duration_seconds"`
	Pages       *int             `json:"page_count" doc:"Null until it is read, and in a document without pages, such as HTML, Markdown or DOCX."`
	Words       *int             `json:"word_count"`
	Language    string           `json:"language" doc:"BCP 47; empty when unknown."`
	Status      documents.Status `json:"processing_status" enum:"uploading,processing,completed,failed"`
	Error       string           `json:"processing_error"`
	ErrorCode   string           `json:"processing_error_code"`
	Processed   *time.Time       `json:"processed_at"`
	StoragePath string           `json:"storage_path" doc:"Always empty."`
	Text        string           `json:"extracted_text" doc:"The first 10,000 characters; empty in lists."`
	Summary     string           `json:"summary"`
	Topics      []string         `json:"topics"`
	Views       int              `json:"view_count"`
	LastViewed  *time.Time       `json:"last_accessed_at"`
	Favorite    bool             `json:"is_favorite"`
	Archived    bool             `json:"is_archived"`
	SizeMB      decimals.Two     `json:"file_size_mb" doc:"MiB, two decimals."`
	IsProcessed bool             `json:"is_processed"`
	Created     time.Time        `json:"created_at"`
	Updated     time.Time        `json:"updated_at"`

	Course      courses.ID    `json:"course"`
	DuplicateOf *documents.ID `json:"duplicate_of" doc:"The document with the same bytes whose reading was taken over."`
}

// View shows a document.
func View(d documents.Document) Document {
	view := Document{
		ID: d.ID, Name: d.Name, Description: d.Description, Type: d.Type,
		Size: d.Size, ContentType: d.ContentType, Filename: d.Filename, SourceURL: d.SourceURL,
		Pages: d.Pages, Words: d.Words, Language: d.Language,
		Status: d.State.Status(), Error: d.ErrorMessage, ErrorCode: d.ErrorCode, Processed: d.Processed,
		Text: d.Excerpt, Summary: d.Summary, Topics: d.Topics, Views: d.Views, LastViewed: d.LastViewed,
		Favorite: d.Favorite, Archived: d.Archived, IsProcessed: d.State == documents.Completed,
		Created: d.Created, Updated: d.Updated, Course: d.Course,
	}
	if d.Size != nil {
		view.SizeMB = decimals.Two(float64(*d.Size) / (1 << 20))
	}
	if !d.DuplicateOf.IsZero() {
		view.DuplicateOf = &d.DuplicateOf
	}
	return view
}
