-- +goose Up
-- Lists show courses whole, a hundred on a page: all texts of one have a bound, as JSON.
-- One that is larger already can be made smaller, or deleted.
ALTER TABLE courses ADD CONSTRAINT courses_bytes CHECK (deleted_at IS NOT NULL OR octet_length(jsonb_build_array(
	name, description, university, course_code, semester, academic_year, subject_area, icon, study_goals, preferred_study_methods)::text) <= 32768) NOT VALID;
