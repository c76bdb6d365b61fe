module github.com/featureaudit/featureaudit

go 1.26
