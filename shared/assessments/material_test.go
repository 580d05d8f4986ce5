package assessments

import (
	"testing"

	"aksio.app/shared/ai/provider"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database/dbtest"
	"aksio.app/shared/documents"
	"aksio.app/shared/id"
	"aksio.app/shared/limits"
	"aksio.app/shared/patch"
)

func TestPassagesAreSpread(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	owner := id.New[auth.User]()
	if _, err := db.Exec(t.Context(), `INSERT INTO users (id, username, email, password) VALUES ($1, 'ada', 'ada@example.com', '')`, owner); err != nil {
		t.Fatal(err)
	}
	course, err := courses.NewStore(db).Create(t.Context(), owner, courses.Change{Name: patch.To("Biology")})
	if err != nil {
		t.Fatal(err)
	}
	add := func(name string, passages int, archived bool) {
		document := id.New[documents.Document]()
		if _, err := db.Exec(t.Context(), `
			WITH d AS (INSERT INTO documents (id, user_id, course_id, name, is_archived) VALUES ($1, $2, $3, $4, $6) RETURNING id)
			INSERT INTO passages (id, document_id, course_id, user_id, position, text, page_start, page_end, char_start, char_end, words)
			SELECT gen_random_uuid(), d.id, $3, $2, n, 'text', n + 1, n + 1, n * 10, n * 10 + 4, 1 FROM d, generate_series(0, $5 - 1) n`,
			document, owner, course.ID, name, passages, archived); err != nil {
			t.Fatal(err)
		}
	}
	add("short", 3, false)
	add("long", 200, false)
	add("archived", 5, true)

	g := NewGenerator(db, provider.Offline{}, limits.InDatabase(db))
	pages := func(turn int) map[string][]int {
		passages, err := g.material(t.Context(), owner, course.ID, Request{}, turn)
		if err != nil {
			t.Fatal(err)
		}
		pages := map[string][]int{}
		for _, passage := range passages {
			pages[passage.DocumentName] = append(pages[passage.DocumentName], passage.PageStart)
		}
		return pages
	}
	first, second := pages(0), pages(7)
	if len(first["short"]) != 3 || len(first["archived"]) != 0 || len(first["long"]) != mostPassages/2 {
		t.Fatalf("chosen %v", first)
	}
	for i, page := range first["long"] {
		if page != 10*i+1 {
			t.Errorf("passage %d is from page %d: not at even distances", i, page)
		}
		if page == second["long"][i] {
			t.Errorf("page %d is read again in the next turn", page)
		}
	}
}
