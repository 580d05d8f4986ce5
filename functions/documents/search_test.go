package documents_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	_ "aksio.app/functions/documents/search"
	"aksio.app/shared/ai/aitest"
	"aksio.app/shared/api/apitest"
)

// search looks for something in a course of the client's own.
func search(client *apitest.Client, course string) *apitest.Response {
	return client.Get("/api/v1/documents/search/?" + url.Values{"course": {course}, "query": {"compact spaces"}}.Encode())
}

func ownCourse(client *apitest.Client) string {
	return client.Post("/api/v1/courses/", map[string]any{"name": "Topology"}).Want(http.StatusCreated).ID()
}

// TestASearchWithoutMeaningIsLogged changes the process's logger, so it isn't parallel.
func TestASearchWithoutMeaningIsLogged(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(before)

	revoked := aitest.New(t, aitest.Error(http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided."))
	ada := apitest.New(t, "OPENAI_API_KEY", revoked.Config().Key, "OPENAI_BASE_URL", revoked.Config().BaseURL).User("ada")
	if found := search(ada, ownCourse(ada)).Want(http.StatusOK).Map(); found["words_only"] != true {
		t.Errorf("found %v, want words only", found)
	}
	if n := strings.Count(log.String(), `"msg":"search by words only"`); n != 1 || !strings.Contains(log.String(), `"kind":"unavailable"`) {
		t.Errorf("logged %d times, want once with its kind: %s", n, log.String())
	}
}

func TestSearchesAreLimited(t *testing.T) {
	t.Parallel()
	provider := aitest.New(t)
	app := apitest.New(t, "OPENAI_API_KEY", provider.Config().Key, "OPENAI_BASE_URL", provider.Config().BaseURL)
	ada, bob := app.User("ada"), app.User("bob")
	adas, bobs := ownCourse(ada), ownCourse(bob)
	search(ada, adas).Want(http.StatusOK)
	if _, err := app.DB.Exec(t.Context(), `UPDATE rate_limits SET ready = now() + interval '2 hours' WHERE key = 'search:' || $1::uuid`, ada.ID); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if refused := search(ada, adas).Want(http.StatusTooManyRequests); refused.Header.Get("Retry-After") == "" {
			t.Error("without Retry-After")
		}
	}
	search(bob, bobs).Want(http.StatusOK)
	if asked := len(provider.Calls()); asked != 2 {
		t.Errorf("the model was asked %d times, want for the two searches only", asked)
	}
}

// found returns the results of a search in the student's course.
func (s *student) found(query string) []map[string]any {
	s.app.t.Helper()
	resp := s.Get("/api/v1/documents/search/?" + url.Values{"course": {s.course}, "query": {query}}.Encode()).Want(http.StatusOK)
	var results []map[string]any
	for _, r := range resp.Map()["results"].([]any) {
		results = append(results, r.(map[string]any))
	}
	return results
}

func TestSearchWithinDocuments(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada, bob := app.student("ada"), app.student("bob")
	first, second := ada.uploaded("first.txt", "text/plain", lecture), ada.uploaded("second.txt", "text/plain", append(lecture, " And more."...))
	bobs := bob.uploaded("bobs.txt", "text/plain", lecture)
	for _, document := range []string{first, second, bobs} {
		app.process(document).Want(http.StatusOK)
	}
	within := func(documents ...string) (found []string) {
		query := url.Values{"course": {ada.course}, "query": {"open sets"}, "document": documents}
		for _, r := range ada.Get("/api/v1/documents/search/?" + query.Encode()).Want(http.StatusOK).Map()["results"].([]any) {
			found = append(found, r.(map[string]any)["document_id"].(string))
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	for name, tc := range map[string]struct{ asked, want []string }{
		"all": {nil, []string{first, second}}, "one": {[]string{second}, []string{second}},
		"two": {[]string{second, first}, []string{first, second}}, "another's": {[]string{bobs}, nil},
	} {
		slices.Sort(tc.want)
		if found := within(tc.asked...); !slices.Equal(found, tc.want) {
			t.Errorf("%s: found %v, want %v", name, found, tc.want)
		}
	}
	ada.Get("/api/v1/documents/search/?query=x&document=1&course=" + ada.course).Want(http.StatusBadRequest)
}

// TestSearchInUnspacedScripts: where no white space parts words, a few characters
// find the passages that they stand in.
func TestSearchInUnspacedScripts(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	texts := map[string]string{
		"Japanese": "光合成は植物が光のエネルギーを使って二酸化炭素と水から糖を作る反応である。葉緑体の中で行われ、酸素が放出される。BM25検索も試す。",
		"Chinese":  "机器学习是人工智能的一个分支。它研究计算机怎样从数据中学习规律，并用这些规律对新的数据作出预测。",
		"Thai":     "การสังเคราะห์ด้วยแสงเป็นกระบวนการที่พืชใช้พลังงานจากแสงอาทิตย์เพื่อสร้างน้ำตาลจากคาร์บอนไดออกไซด์และน้ำ",
		"Korean":   "광합성은 식물이 빛에너지를 이용하여 이산화탄소와 물로 포도당을 만드는 과정이다. 엽록체에서는 산소가 나온다.",
		"English":  "Photosynthesis turns light, water and carbon dioxide into sugar, and it gives off oxygen.",
	}
	ada := app.student("ada")
	documents := map[string]string{}
	for script, text := range texts {
		documents[script] = ada.uploaded(script+".txt", "text/plain", []byte(text))
		app.process(documents[script]).Want(http.StatusOK)
	}
	queries := []struct{ query, script, marked string }{
		{"酸素", "Japanese", "**酸素**が放出される。BM25検索も"},
		{"二酸化炭素とは何か", "Japanese", "って**二酸化炭素と**水から"},
		{"糖", "Japanese", "水から**糖を**作る"},
		{"葉緑体 検索", "Japanese", "である。**葉緑体**の中で"},
		{"bm25", "Japanese", "**BM25**検索も試す"},
		{"学习", "Chinese", "机器**学习**是人工智能"},
		{"数据预测", "Chinese", "新的**数据**作出**预测**"},
		{"น้ำตาล", "Thai", "สร้าง**น้ำตาล**จาก"},
		{"ด้", "Thai", "เคราะห์**ด้**วยแสง"},
		{"산소", "Korean", "엽록체에서는 **산소**가 나온다"},
		{"oxygen", "English", "it gives off **oxygen**"},
	}
	for _, q := range queries {
		results := ada.found(q.query)
		if len(results) == 0 || results[0]["document_id"] != documents[q.script] || !strings.Contains(results[0]["snippet"].(string), q.marked) {
			t.Errorf("%s: found %v, want the %s text with %s", q.query, results, q.script, q.marked)
			continue
		}
		if snippet := strings.ReplaceAll(results[0]["snippet"].(string), "**", ""); !strings.Contains(texts[q.script], snippet) {
			t.Errorf("%s: the snippet %q is no part of the text", q.query, snippet)
		}
	}
	for _, query := range []string{"量子", "素酸"} { // neither word nor pair stands in a text
		if results := ada.found(query); len(results) > 0 && strings.Contains(results[0]["snippet"].(string), "**") {
			t.Errorf("%s: marked %v", query, results[0])
		}
	}
}

// TestSearchTakesAngleBracketsForText: what looks like markup in a lecture is part
// of it.
func TestSearchTakesAngleBracketsForText(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	app.process(ada.uploaded("web.txt", "text/plain", []byte(
		"A page puts the title into <h1 class=\"big\">Topology</h1> and a paragraph into <div>. For real numbers a <b and c> d hold the converse.\n"))).Want(http.StatusOK)
	for query, marked := range map[string]string{
		"title":    `puts the **title** into <h1 class="big">Topology</h1> and`,
		"div":      "into <**div**>. For",
		"converse": "a <b and c> d hold the **converse**",
	} {
		if results := ada.found(query); len(results) != 1 || !strings.Contains(results[0]["snippet"].(string), marked) {
			t.Errorf("%s: found %v, want %s", query, results, marked)
		}
	}
}
