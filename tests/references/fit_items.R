# Fit the item model of the ten alliance items with lavaan: Rscript fit_items.R FOLDER OUTPUT
#
# FOLDER holds help_items.csv and simulated_answers.csv of export_data.py. One factor of variance 1 behind ordered
# items, by two estimators: DWLS (polychoric correlations, robust standard errors: "WLSMV") and PML (the likelihood of
# the answers to every pair of items). lavaan gives latent answers variance 1, or with its "theta" residual variance 1.

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "shared.R"))

model_of <- function(items) paste("alliance =~", paste(items, collapse = " + "))
items_of <- function(rows) setdiff(names(rows), c("person", "time"))

# Categories 1 to 3 as one, 4 in all: few people chose them, and not at every wave.
joined <- function(rows) {
  rows[items_of(rows)] <- pmax(as.matrix(rows[items_of(rows)]), 3)
  rows
}

# ---- Cronbach's alpha and what is near it ----

described <- function(rows) {
  answers <- rows[items_of(rows)]
  covariance <- cov(answers)
  values <- eigen(cor(answers), symmetric = TRUE)$values
  n <- ncol(answers)
  list(
    rows = nrow(rows), people = length(unique(rows$person)),
    "Cronbach's alpha" = n / (n - 1) * (1 - sum(diag(covariance)) / sum(covariance)),
    "share of the first eigenvalue" = values[1] / n
  )
}

# ---- fits ----

named <- function(numbers, items) setNames(as.list(unname(numbers)), items)

# Loadings and cuts, of latent answers with variance 1 and with residual variance 1: these are divided by the root of
# 1 - loading^2, their standard errors by the delta method.
both_scales <- function(fit, items) {
  table <- parTable(fit)
  loading_at <- table$free[table$op == "=~"]
  cut_at <- lapply(items, function(item) table$free[table$op == "|" & table$lhs == item])
  found <- unname(coef(fit))
  scaled <- function(x) {
    root <- sqrt(1 - x[loading_at]^2)
    x[loading_at] <- x[loading_at] / root
    for (i in seq_along(items)) x[cut_at[[i]]] <- x[cut_at[[i]]] / root[i]
    x
  }
  jacobian <- numDeriv::jacobian(scaled, found)
  parts <- function(x) {
    list(loadings = named(x[loading_at], items), cuts = named(lapply(cut_at, function(at) x[at]), items))
  }
  list(
    "residual variance 1" = list(
      estimates = parts(scaled(found)), se = parts(sqrt(diag(jacobian %*% vcov(fit) %*% t(jacobian))))
    ),
    "variance 1" = list(estimates = parts(found), se = parts(sqrt(diag(vcov(fit)))))
  )
}

fit_one_group <- function(rows, estimator) {
  items <- items_of(rows)
  control <- if (estimator == "PML") list(iter.max = 2000, eval.max = 4000, rel.tol = 1e-10) else list()
  options <- list(model = model_of(items), data = rows, ordered = items, std.lv = TRUE, control = control)
  start <- if (estimator == "PML") list(start = do.call("cfa", c(options, estimator = "DWLS"))) else list()
  found <- quietly(do.call("cfa", c(options, start, estimator = estimator)))
  fit <- found$value
  stopifnot(lavInspect(fit, "converged"))
  said <- list(warnings = as.list(found$warnings))
  # PML: log-likelihood of the pairs' own tables less that of the model, over the rows
  if (estimator == "PML") return(c(both_scales(fit, items), list(discrepancy = lavInspect(fit, "optim")$fx), said))
  indices <- fitMeasures(fit, c("chisq.scaled", "df.scaled", "cfi", "rmsea", "srmr"))
  c(both_scales(fit, items), list(indices = as.list(indices)), said)
}

# Loadings and cuts the same at all waves, residual variances 1; mean and variance of the factor free after the first.
fit_by_wave <- function(rows) {
  items <- items_of(rows)
  rows <- rows[order(rows$time), ] # lavaan numbers groups as they come
  found <- quietly(cfa(model_of(items),
    data = rows, ordered = items, std.lv = TRUE, estimator = "WLSMV", parameterization = "theta", group = "time",
    group.equal = c("loadings", "thresholds", "residuals")
  ))
  fit <- found$value
  stopifnot(lavInspect(fit, "converged"), identical(lavInspect(fit, "group.label"), c("6", "12", "18", "24")))
  table <- parameterEstimates(fit)
  parts <- function(column) {
    first <- table[table$group == 1, ]
    cuts <- lapply(items, function(item) first[first$op == "|" & first$lhs == item, column])
    factor_rows <- table$lhs == "alliance" & table$op != "=~"
    list(
      loadings = named(first[first$op == "=~", column], items), cuts = named(cuts, items),
      means = table[factor_rows & table$op == "~1", column], variances = table[factor_rows & table$op == "~~", column]
    )
  }
  indices <- fitMeasures(fit, c("chisq.scaled", "df.scaled", "cfi", "rmsea", "srmr"))
  list(
    "residual variance 1" = list(estimates = parts("est"), se = parts("se")),
    indices = as.list(indices), warnings = as.list(found$warnings)
  )
}

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 2) stop("usage: Rscript fit_items.R FOLDER OUTPUT")
help <- read.csv(file.path(arguments[1], "help_items.csv"))
simulated <- read.csv(file.path(arguments[1], "simulated_answers.csv"))
at_24 <- help[help$time == 24, ]
by_time <- lapply(split(help, help$time), described)

content <- list(
  lavaan = as.character(packageVersion("lavaan")),
  R = paste(R.version$major, R.version$minor, sep = "."),
  date = format(Sys.Date()),
  data = c(list("help, all follow-ups" = described(help)), setNames(by_time, paste0("help, ", names(by_time)))),
  fits = list(
    "help, 24, four categories/DWLS" = fit_one_group(joined(at_24), "WLSMV"),
    "help, 24, four categories/PML" = fit_one_group(joined(at_24), "PML"),
    "help, all follow-ups/DWLS" = fit_one_group(help, "WLSMV"),
    "help, all follow-ups/PML" = fit_one_group(help, "PML"),
    "help, by wave, four categories/DWLS" = fit_by_wave(joined(help)),
    "simulated/DWLS" = fit_one_group(simulated, "WLSMV"),
    "simulated/PML" = fit_one_group(simulated, "PML")
  )
)
writeLines(to_json(content), arguments[2])
