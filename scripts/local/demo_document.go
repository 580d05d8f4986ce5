package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"aksio.app/scripts/internal/client"
)

// upload adds the document and sends its bytes straight to the bucket, as
// browsers do it: they never pass through a function.
func (d *day) upload(ctx context.Context) (string, error) {
	file, err := os.Open(d.file)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	var created struct {
		ID string `json:"id"`
		client.Upload
	}
	name := filepath.Base(d.file)
	err = d.Post(ctx, "/api/v1/courses/"+d.course+"/documents/", map[string]any{
		"document_type":     "file",
		"original_filename": name,
		"content_type":      cmp.Or(mime.TypeByExtension(filepath.Ext(name)), "application/octet-stream"),
		"file_size_bytes":   info.Size(),
	}, &created)
	if err != nil {
		return "", err
	}
	d.document = created.ID
	if err := d.Send(ctx, created.Upload, file, info.Size()); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %d KB by signed URL", name, (info.Size()+999)/1000), nil
}

// follow watches the document being read until it is ready.
func (d *day) follow(ctx context.Context) (string, error) {
	shown, doing := -1.0, ""
	defer func() {
		if doing != "" {
			fmt.Fprintln(d.out)
		}
	}()
	for e, err := range d.Stream(ctx, http.MethodGet, "/api/v1/documents/documents/"+d.document+"/events/", nil) {
		switch {
		case err != nil:
			return "", err
		case e.Name == "processing_complete":
			return "ready", nil
		case strings.HasSuffix(e.Name, "_failed"):
			return "", errors.New(e.Error)
		}
		// What happened before we listened comes after where it stood.
		if now := inWords(e); now != doing && e.Progress > shown {
			if doing != "" {
				fmt.Fprintln(d.out)
			}
			fmt.Fprintf(d.out, "    %s %.0f %%", now, e.Progress)
			shown, doing = e.Progress, now
		} else if e.Progress >= shown+10 {
			fmt.Fprintf(d.out, " … %.0f %%", e.Progress)
			shown = e.Progress
		}
	}
	return "", errors.New("the events ended before the document was ready")
}

// inWords says what is being done with the document, as its reader would.
func inWords(e client.Event) string {
	switch {
	case e.Stage == "summarize":
		return "summing it up"
	case e.Stage == "embed" || e.Name == "extraction_complete" || e.Name == "embedding_progress":
		return "making it searchable"
	}
	return "reading its text"
}

// look asks what the document is and what it is about.
func (d *day) look(ctx context.Context) (string, error) {
	var status struct {
		Status   string `json:"processing_status"`
		Metadata struct {
			Passages int `json:"chunks_created"`
		} `json:"processing_metadata"`
	}
	path := "/api/v1/courses/" + d.course + "/documents/" + d.document + "/"
	if err := d.Get(ctx, path+"processing_status/", &status); err != nil {
		return "", err
	}
	if status.Status != "completed" {
		return "", fmt.Errorf("its state is %q after the last event", status.Status)
	}
	var document struct {
		Pages    *int     `json:"page_count"`
		Words    int      `json:"word_count"`
		Language string   `json:"language"`
		Summary  string   `json:"summary"`
		Topics   []string `json:"topics"`
	}
	if err := d.Get(ctx, path, &document); err != nil {
		return "", err
	}
	if len(document.Topics) > 0 {
		d.topics = document.Topics
		d.detail("about  %s", strings.Join(document.Topics, ", "))
	} else if err := d.takeWords(ctx, path); err != nil {
		return "", err
	}
	d.detail("summary  %s", shorten(document.Summary, 300))
	said := fmt.Sprintf("%s, language %s, %s", count(document.Words, "word"), cmp.Or(document.Language, "unknown"), count(status.Metadata.Passages, "passage"))
	if document.Pages != nil {
		said = count(*document.Pages, "page") + ", " + said
	}
	return said, nil
}

// takeWords makes the document's first words its topic.
func (d *day) takeWords(ctx context.Context, path string) error {
	var content struct {
		Text string `json:"extracted_text"`
	}
	if err := d.Get(ctx, path+"content/", &content); err != nil {
		return err
	}
	words := strings.Fields(content.Text)
	if len(words) == 0 {
		return errors.New("it was read, and has no words")
	}
	d.topics = []string{strings.Join(words[:min(3, len(words))], " ")}
	d.detail("no topics were found in it; a document with more text has some")
	return nil
}

// search looks for one of the document's own topics.
func (d *day) search(ctx context.Context) (string, error) {
	var found struct {
		Results []struct {
			place
			Snippet string  `json:"snippet"`
			Score   float64 `json:"relevance_score"`
		} `json:"results"`
	}
	topic := d.topics[0]
	query := url.Values{"course": {d.course}, "query": {topic}, "limit": {"3"}}
	if err := d.Get(ctx, "/api/v1/documents/search/?"+query.Encode(), &found); err != nil {
		return "", err
	}
	if len(found.Results) == 0 {
		return "", nothing(fmt.Sprintf("nothing was found for %q", topic))
	}
	for _, r := range found.Results {
		d.detail("%.2f  %s: %s", r.Score, r.place, shorten(r.Snippet, 120))
	}
	return fmt.Sprintf("%s for %q", count(len(found.Results), "passage"), topic), nil
}

// place is where words of a document stand.
type place struct {
	Document string `json:"title"`
	Heading  string `json:"heading"`
	Page     int    `json:"page_start"` // 0 in documents such as Markdown, which have none
	PageEnd  int    `json:"page_end"`
}

func (p place) String() string {
	switch {
	case p.Page == 0 && p.Heading == "":
		return p.Document
	case p.Page == 0:
		return p.Document + ", " + strconv.Quote(shorten(p.Heading, 60))
	case p.PageEnd <= p.Page:
		return fmt.Sprintf("%s, page %d", p.Document, p.Page)
	}
	return fmt.Sprintf("%s, pages %d–%d", p.Document, p.Page, p.PageEnd)
}

// aroundGap is shorten for questions: the gap, where there is one, isn't cut off.
func aroundGap(text string, most int) string {
	line := []rune(strings.Join(strings.Fields(text), " "))
	before, _, found := strings.Cut(string(line), "___")
	if gap := utf8.RuneCountInString(before); found && len(line) > most && gap > most/2 {
		from := gap - most/2
		if space := slices.Index(line[from:gap], ' '); space >= 0 { // at a word
			from += space + 1
		}
		line = append([]rune("… "), line[from:]...)
	}
	return shorten(string(line), most)
}

// shorten puts the text in one line of at most so many characters, and cuts it behind a
// word, unless that leaves little of it: not all scripts have spaces.
func shorten(text string, most int) string {
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) <= most {
		return string(line)
	}
	kept := string(line[:most-1])
	if space := strings.LastIndex(kept, " "); space > len(kept)/2 {
		return kept[:space] + " …"
	}
	return kept + "…"
}
