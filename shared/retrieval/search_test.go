package retrieval_test

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgvector/pgvector-go"

	"aksio.app/shared/ai"
	"aksio.app/shared/ai/provider"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/database/dbtest"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/retrieval"
)

// library is one student's course with one document.
type library struct {
	db       *database.DB
	owner    auth.UserID
	course   courses.ID
	document documents.ID
}

func newLibrary(t testing.TB, language string) library {
	t.Helper()
	l := library{dbtest.New(t), id.New[auth.User](), id.New[courses.Course](), id.New[documents.Document]()}
	for _, statement := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO users (id, username, email, password) VALUES ($1, 'ada', 'ada@example.com', '')`, []any{l.owner}},
		{`INSERT INTO courses (id, user_id, name) VALUES ($1, $2, 'Course')`, []any{l.course, l.owner}},
		{`INSERT INTO documents (id, user_id, course_id, name, language, state) VALUES ($1, $2, $3, 'Book', $4, 'completed')`,
			[]any{l.document, l.owner, l.course, language}},
	} {
		if _, err := l.db.Exec(t.Context(), statement.sql, statement.args...); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// another is the same course with another document in the same language.
func (l library) another(t testing.TB) library {
	t.Helper()
	first := l.document
	l.document = id.New[documents.Document]()
	if _, err := l.db.Exec(t.Context(), `
		INSERT INTO documents (id, user_id, course_id, name, language, state)
		SELECT $2, user_id, course_id, 'Another', language, state FROM documents WHERE id = $1`, first, l.document); err != nil {
		t.Fatal(err)
	}
	return l
}

// add stores the texts as the document's passages, with vectors of the model.
func (l library) add(t testing.TB, texts []string) {
	t.Helper()
	vectors, _, err := provider.Offline{}.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	ids, embeddings := make([]documents.PassageID, len(texts)), make([]string, len(texts))
	for i := range texts {
		ids[i], embeddings[i] = id.New[documents.Passage](), pgvector.NewVector(vectors[i]).String()
	}
	_, err = l.db.Exec(t.Context(), `
		INSERT INTO passages (id, document_id, course_id, user_id, position, text, page_start, page_end, char_start, char_end, words, language, embedding, embedding_model)
		SELECT n.id, d.id, d.course_id, d.user_id, number - 1, n.text, 1, 1, 0, length(n.text), array_length(regexp_split_to_array(n.text, '\s+'), 1), d.language, n.embedding::vector, $5
		FROM documents d, unnest($2::uuid[], $3::text[], $4::text[]) WITH ORDINALITY n (id, text, embedding, number) WHERE d.id = $1`,
		l.document, ids, texts, embeddings, provider.Offline{}.EmbeddingModel())
	if err == nil {
		_, err = l.db.Exec(t.Context(), `UPDATE documents SET passage_count = passage_count + $2 WHERE id = $1`, l.document, len(texts))
	}
	if err == nil {
		_, err = l.db.Exec(t.Context(), `ANALYZE passages`)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// mute is a model that can't be reached.
type mute struct{ provider.Offline }

func (mute) Embed(context.Context, []string) ([][]float32, ai.Usage, error) {
	return nil, ai.Usage{}, fault.New(fault.Unavailable, "away")
}

func TestSearchFindsByStemAndMarksIt(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, "en")
	l.add(t, []string{
		"A topological space is compact if every open cover has a finite subcover.",
		"The derivative measures how a function changes as its input changes.",
		"Continuous functions map compact spaces to compact spaces.",
	})
	for _, model := range []ai.Model{provider.Offline{}, mute{}} {
		results, err := retrieval.NewStore(l.db, model).Search(t.Context(), l.owner, retrieval.Query{Course: l.course, Text: "covering of compactness", Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(results.Hits) == 0 || !strings.Contains(results.Hits[0].Snippet, "**cover**") {
			t.Errorf("%T: got %+v, want the passage on covers first", model, results.Hits)
		}
	}
	results, err := retrieval.NewStore(l.db, mute{}).Search(t.Context(), l.owner, retrieval.Query{Course: l.course, Text: "the of and", Limit: 10})
	if err != nil || len(results.Hits) != 0 || !results.WordsOnly {
		t.Errorf("stop words alone: got %+v, %v; want nothing", results, err)
	}
}

// pointing is a model to which every text means the same.
type pointing struct {
	provider.Offline
	at []float32
}

func (p pointing) Embed(context.Context, []string) ([][]float32, ai.Usage, error) {
	return [][]float32{p.at}, ai.Usage{}, nil
}

// TestSearchByMeaningAmongMany asks by directions alone, in a course that has more
// passages than are compared by all their numbers: a tenth of them lie close together.
func TestSearchByMeaningAmongMany(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	words := func(n int) (text string) {
		for range n {
			text += fmt.Sprintf("%08x ", r.Uint32())
		}
		return text
	}
	common := words(5)
	texts := make([]string, 3000)
	for i := range texts {
		if texts[i] = words(6); i%10 == 0 {
			texts[i] = common + words(1)
		}
	}
	l := newLibrary(t, "en")
	l.add(t, texts)
	vectors, _, err := provider.Offline{}.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(texts); i += 300 {
		question := make([]float32, ai.Dimensions)
		for j := range question {
			question[j] = vectors[i][j] + vectors[i+1][j]
		}
		nearest := slices.SortedFunc(maps.Keys(maps.Collect(slices.All(vectors))), func(a, b int) int { return cmp.Compare(dot(vectors[b], question), dot(vectors[a], question)) })[:5]
		results, err := retrieval.NewStore(l.db, pointing{at: question}).Search(t.Context(), l.owner, retrieval.Query{Course: l.course, Text: "unrelated", Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range nearest {
			if !slices.ContainsFunc(results.Hits, func(h retrieval.Hit) bool { return h.Text == texts[k] }) {
				t.Errorf("near %q: %q isn't among %d hits", texts[i], texts[k], len(results.Hits))
			}
		}
	}
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// TestSearchFindsNothingOfWhatIsNotThere, although some vector is always the nearest.
func TestSearchFindsNothingOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, "en")
	abstracts, _, _ := cranfield(t)
	l.add(t, abstracts)
	store := retrieval.NewStore(l.db, provider.Offline{})
	for _, question := range []string{"qwertz asdfgh", "Beethoven's symphonies", "feudalism"} {
		results, err := store.Search(t.Context(), l.owner, retrieval.Query{Course: l.course, Text: question, Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		if len(results.Hits) != 0 {
			t.Errorf("%q: got %d hits, the first %.80q; want none", question, len(results.Hits), results.Hits[0].Text)
		}
	}
}

func TestSearchAnswersOnceFromAFileThatIsThereTwice(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, "en")
	l.add(t, []string{"A ribosome makes proteins."})
	copied := l.another(t)
	copied.add(t, []string{"A ribosome makes proteins."})
	if _, err := l.db.Exec(t.Context(), `UPDATE documents SET sha256 = '\x01'`); err != nil {
		t.Fatal(err)
	}
	store := retrieval.NewStore(l.db, provider.Offline{})
	for _, tc := range []struct {
		within []documents.ID
		want   documents.ID
	}{{nil, l.document}, {[]documents.ID{copied.document}, copied.document}} {
		results, err := store.Search(t.Context(), l.owner, retrieval.Query{Course: l.course, Documents: tc.within, Text: "ribosome", Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		if len(results.Hits) != 1 || results.Hits[0].Document != tc.want {
			t.Errorf("within %v: got %+v, want one passage of %v", tc.within, results.Hits, tc.want)
		}
	} // A first upload that failed doesn't hide the second, although that is being read anew.
	for _, change := range []string{
		`DELETE FROM passages WHERE document_id = $1`, `UPDATE documents SET state = 'failed' WHERE id = $1`,
		`UPDATE documents SET state = 'processing', processed_at = now() WHERE id <> $1`,
	} {
		if _, err := l.db.Exec(t.Context(), change, l.document); err != nil {
			t.Fatal(err)
		}
	}
	results, err := store.Search(t.Context(), l.owner, retrieval.Query{Course: l.course, Text: "ribosome", Limit: 5})
	if err != nil || len(results.Hits) != 1 {
		t.Errorf("got %+v, %v; want the passage of the second copy", results, err)
	}
}

// TestSearchFindsExponents, however they are written: 10³² is 10^32 and not 1032.
func TestSearchFindsExponents(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, "en")
	l.add(t, []string{"The ruler of 1032 had 10 towns.", "A star has 10³² of them < 10⁻³ m.", "The area is x² by definition.", "A table has 10 rows.",
		"It is 10³² ribosomes" + strings.Repeat(" and more", 50)})
	store := retrieval.NewStore(l.db, mute{})
	for question, want := range map[string]string{
		"10^32": "has **10³²** of them < **10**",
		"10³²":  "has **10³²** of them < **10**",
		"10^-3": "< **10⁻³**",
		"x^2":   "is **x²** by",
		"1032":  "ruler of **1032** had",

		"32 ribosomes": "**³²** **ribosomes**", // a snippet that begins inside an exponent
	} {
		results, err := store.Search(t.Context(), l.owner, retrieval.Query{Course: l.course, Text: question, Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		if len(results.Hits) == 0 || !strings.Contains(results.Hits[0].Snippet, want) {
			t.Errorf("%q: got %+v, want %q first", question, results.Hits, want)
		}
	}
}

func TestSearchTakesAnyText(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, "en")
	l.add(t, []string{`It's a back\slash & an "amper'sand" | pipe ! at user@example.com/path?q=1 :* <-> 100%`})
	store := retrieval.NewStore(l.db, provider.Offline{})
	for _, text := range []string{`'`, `''`, `\`, `it's \ "quoted" & | ! ( ) :* <->`, `user@example.com/path?q=1`, `back\slash`, "⛄ 日本語", strings.Repeat("word ", 200), "%_--;DROP TABLE"} {
		if _, err := store.Search(t.Context(), l.owner, retrieval.Query{Course: l.course, Text: text, Limit: 5}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "  \n", strings.Repeat("x", retrieval.MaxQuery+1)} {
		if _, err := store.Search(t.Context(), l.owner, retrieval.Query{Course: l.course, Text: text}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.10q: got %v, want it to be refused", text, err)
		}
	}
}

// TestSearchWeighsCommonWordsByTheirShare has words in so many passages that they are estimated.
func TestSearchWeighsCommonWordsByTheirShare(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, "en")
	texts := []string{"ribosome enzyme enzyme enzyme enzyme", "ribosome membrane"} // the first has the word of nearly all four times
	for len(texts) < 6000 {
		texts = append(texts, "enzyme membrane", "enzyme reaction")
	}
	l.add(t, texts)
	store := retrieval.NewStore(l.db, mute{})
	for question, want := range map[string]string{
		"ribosome, membrane or enzyme": "ribosome membrane",
		"membrane of an enzyme":        "enzyme membrane",
	} {
		results, err := store.Search(t.Context(), l.owner, retrieval.Query{Course: l.course, Text: question, Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		if len(results.Hits) == 0 || results.Hits[0].Text != want {
			t.Errorf("%q: got %+v, want %q first", question, results.Hits, want)
		}
	}
}

// TestSearchWithinADocumentOfACourseThatIsFullOfTheWord: of what is found in so many
// passages not all are ranked, but of what was asked about all are.
func TestSearchWithinADocumentOfACourseThatIsFullOfTheWord(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, "en")
	other := l.another(t)
	l.add(t, slices.Repeat([]string{"An enzyme of many."}, 6000))
	other.add(t, slices.Repeat([]string{"The enzyme that is looked for."}, 20))
	results, err := retrieval.NewStore(l.db, mute{}).Search(t.Context(), l.owner,
		retrieval.Query{Course: l.course, Documents: []documents.ID{other.document}, Text: "enzyme", Limit: 50})
	if err != nil || len(results.Hits) != 20 || results.Hits[0].Document != other.document {
		t.Errorf("got %d hits, %v; want the 20 passages of the other document", len(results.Hits), err)
	}
	results, err = retrieval.NewStore(l.db, mute{}).Search(t.Context(), l.owner, retrieval.Query{Course: l.course, Text: "enzyme", Limit: retrieval.MaxLimit})
	if err != nil || len(results.Hits) != retrieval.MaxLimit {
		t.Errorf("got %d hits of the whole course, %v; want a full page", len(results.Hits), err)
	}
}

// TestSearchWithinADocumentWeighsItsOwnWords: what stands in other documents only finds
// nothing, and keeps no word of the document from it.
func TestSearchWithinADocumentWeighsItsOwnWords(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, "en")
	other := l.another(t)
	l.add(t, slices.Concat(slices.Repeat([]string{"An enzyme."}, 600), slices.Repeat([]string{"A membrane."}, 550)))
	other.add(t, []string{"The enzyme that is looked for.", "Something else."})
	results, err := retrieval.NewStore(l.db, mute{}).Search(t.Context(), l.owner,
		retrieval.Query{Course: l.course, Documents: []documents.ID{other.document}, Text: "enzyme membrane", Limit: 5})
	if err != nil || len(results.Hits) != 1 {
		t.Errorf("got %+v, %v; want the passage with the enzyme", results.Hits, err)
	}
}

// TestSearchByALongQuestion uses its longest words.
func TestSearchByALongQuestion(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, "en")
	l.add(t, []string{"A zygote divides."})
	text := "zygote"
	for i := range 60 {
		text += fmt.Sprintf(" q%c%c", 'a'+i%26, 'a'+i/26)
	}
	results, err := retrieval.NewStore(l.db, mute{}).Search(t.Context(), l.owner, retrieval.Query{Course: l.course, Text: text, Limit: 5})
	if err != nil || len(results.Hits) != 1 {
		t.Errorf("got %+v, %v; want the passage", results.Hits, err)
	}
}

func TestSearchKeepsToItsOwner(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, "en")
	l.add(t, []string{"A secret of Ada's."})
	_, err := retrieval.NewStore(l.db, provider.Offline{}).Search(t.Context(), id.New[auth.User](), retrieval.Query{Course: l.course, Text: "secret"})
	if fault.KindOf(err) != fault.NotFound {
		t.Errorf("somebody else's course: got %v, want NotFound", err)
	}
}

// TestCranfield measures the search on the judged collection. The bounds are
// below what was measured when this was written, so that a change for the worse fails.
func TestCranfield(t *testing.T) {
	t.Parallel()
	abstracts, queries, judgements := cranfield(t)
	l := newLibrary(t, "en")
	l.add(t, abstracts)
	for _, tc := range []struct {
		name  string
		model ai.Model
		want  float64
	}{{"words", mute{}, 0.36}, {"words and offline vectors", provider.Offline{}, 0.36}} {
		store := retrieval.NewStore(l.db, tc.model)
		var sum float64
		for i, query := range queries {
			results, err := store.Search(t.Context(), l.owner, retrieval.Query{Course: l.course, Text: query, Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			var gains []float64
			for _, hit := range results.Hits {
				gains = append(gains, judgements[i][slices.Index(abstracts, hit.Text)])
			}
			sum += ndcg(gains, judgements[i])
		}
		got := sum / float64(len(queries))
		t.Logf("%s: nDCG@10 %.4f, binary gains, %d questions", tc.name, got, len(queries))
		if got < tc.want {
			t.Errorf("%s: nDCG@10 is %.4f, want at least %.2f", tc.name, got, tc.want)
		}
	}
}

// ndcg returns the normalised discounted cumulative gain at 10.
func ndcg(gains []float64, judged map[int]float64) float64 {
	var got, ideal float64
	for i, gain := range gains {
		got += gain / math.Log2(float64(i+2))
	}
	for i := range min(10, len(judged)) {
		ideal += 1 / math.Log2(float64(i+2))
	}
	return got / ideal
}

var fieldMark = regexp.MustCompile(`(?m)^\.[TABW] *$`)

// cranfield returns the abstracts, the questions, and for each question which
// abstracts answer it.
func cranfield(t *testing.T) (abstracts, queries []string, judgements []map[int]float64) {
	t.Helper()
	field := func(record, name string) string {
		_, text, _ := strings.Cut(record, "\n."+name)
		if end := fieldMark.FindStringIndex(text); end != nil {
			text = text[:end[0]]
		}
		return strings.TrimSpace(text)
	}
	for i, record := range strings.Split("\n"+read(t, "cran.all.1400"), "\n.I ")[1:] {
		abstracts = append(abstracts, fmt.Sprintf("%s\n%s\n[%d]", field(record, "T"), strings.TrimPrefix(field(record, "W"), field(record, "T")), i+1))
	}
	for _, record := range strings.Split("\n"+read(t, "cran.qry"), "\n.I ")[1:] {
		queries = append(queries, field(record, "W"))
		judgements = append(judgements, map[int]float64{})
	}
	for line := range strings.Lines(read(t, "cranqrel")) {
		columns := strings.Fields(line)
		query, err1 := strconv.Atoi(columns[0])
		abstract, err2 := strconv.Atoi(columns[1])
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if columns[2] != "-1" {
			judgements[query-1][abstract-1] = 1
		}
	}
	return abstracts, queries, judgements
}

func read(t *testing.T, name string) string {
	t.Helper()
	file, err := os.Open("testdata/cranfield/" + name + ".gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
