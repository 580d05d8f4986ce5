package documents

import (
	"mime"
	"path"
	"slices"
	"strings"

	"aksio.app/shared/fault"
)

// format is a kind of file that can be read.
type format struct {
	contentType string
	endings     []string
	kind        string // document_type
}

// formats are all kinds of files that can be read, the usual ones first.
var formats = []format{
	{"application/pdf", []string{".pdf"}, "pdf"},
	{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", []string{".docx"}, "document"},
	{"application/vnd.openxmlformats-officedocument.presentationml.presentation", []string{".pptx"}, "document"},
	{"text/plain", []string{".txt", ".text"}, "text"},
	{"text/markdown", []string{".md", ".markdown"}, "markdown"},
	{"text/html", []string{".html", ".htm"}, "other"},
}

// undecided are declared types that say nothing of what a file is.
var undecided = []string{"application/octet-stream", "binary/octet-stream", "application/zip", "application/x-zip-compressed", "text/x-markdown"}

// unread are endings of files that can't be read, and that some clients send without a
// type of their own.
var unread = []string{".odt", ".odp", ".ods", ".doc", ".ppt", ".xls", ".xlsx", ".rtf", ".epub", ".zip"}

func unsupported() error {
	return fault.New(fault.Unsupported, "This kind of file can't be read. Upload a PDF, a Word document, a presentation, Markdown, a web page or plain text.").
		Coded("unsupported_type")
}

// ContentTypes lists the media types that can be read.
func ContentTypes() []string {
	types := make([]string, len(formats))
	for i, f := range formats {
		types[i] = f.contentType
	}
	return types
}

// TypeOf returns the document_type of files of a media type that can be read.
func TypeOf(contentType string) string {
	claimed, _ := formatOf("", contentType)
	return claimed.kind
}

// formatOf returns the format that a file claims to have: by its declared type,
// else by its name's ending. What it is, its content decides later.
func formatOf(filename, contentType string) (format, bool) {
	base, _, _ := mime.ParseMediaType(contentType)
	for _, f := range formats {
		if f.contentType == base {
			return f, true
		}
	}
	ending := strings.ToLower(path.Ext(filename))
	for _, f := range formats {
		if slices.Contains(f.endings, ending) {
			return f, true
		}
	}
	return format{kind: "other"}, slices.Contains(undecided, base) && !slices.Contains(unread, ending)
}
