// Draws one board (?board=UID) with Grafana's own panel components from what collect.py has collected.
import React from 'react';
import { createRoot } from 'react-dom/client';
import { lastValueFrom } from 'rxjs';
import * as D from '@grafana/data';
import * as ui from '@grafana/ui';
import * as unstable from '@grafana/ui/unstable';
import { initPluginTranslations } from '@grafana/i18n';

const theme = D.createTheme({ colors: { mode: 'dark' } });
const WIDTH = 1600, COLUMN = WIDTH / 24, ROW = 38, GAP = 8;

// What Grafana's core would register: the standard field options, and the custom ones that a panel uses.
const standard = [
  ['displayName', D.displayNameOverrideProcessor], ['unit', D.unitOverrideProcessor], ['min', D.numberOverrideProcessor],
  ['max', D.numberOverrideProcessor], ['decimals', D.numberOverrideProcessor], ['thresholds', D.thresholdsOverrideProcessor],
  ['mappings', D.valueMappingsOverrideProcessor], ['noValue', D.stringOverrideProcessor], ['links', D.dataLinksOverrideProcessor],
  ['color', D.identityOverrideProcessor], ['filterable', D.identityOverrideProcessor], ['description', D.stringOverrideProcessor],
].map(([id, process]) => ({ id, path: id, name: id, process, editor: () => null, override: () => null, shouldApply: () => true, settings: {} }));
D.standardFieldConfigEditorRegistry.setInit(() => standard);
const transformers = [...new Map(Object.values(D.standardTransformers).map((each) => [each.id, each])).values()]; // aliases share ids
D.standardTransformersRegistry.setInit(() => transformers.map((each) => ({ id: each.id, name: each.name, transformation: async () => each, editor: () => null, description: '' })));

function registryOf(panel) {
  const custom = new Set(Object.keys(panel.fieldConfig.defaults.custom ?? {}));
  for (const override of panel.fieldConfig.overrides ?? []) {
    for (const { id } of override.properties) if (id.startsWith('custom.')) custom.add(id.slice(7));
  }
  return new D.FieldConfigOptionsRegistry(() => [...standard, ...[...custom].map((id) => ({
    id: `custom.${id}`, path: id, isCustom: true, name: id, process: D.identityOverrideProcessor,
    editor: () => null, override: () => null, shouldApply: () => true, settings: {},
  }))]);
}

const number = (text) => (text === 'NaN' ? NaN : Number(text));
const legendOf = (format, labels) => format && format !== '__auto'
  ? format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '')
  : D.formatLabels(labels, '', true) || 'Value';

function framesOf(panel, result) {
  const { legendFormat, format } = panel.targets[0];
  if (format === 'table') {
    const names = [...new Set(result.flatMap((each) => Object.keys(each.metric)))].sort();
    return [D.toDataFrame({ refId: 'A', fields: [
      { name: 'Time', type: D.FieldType.time, values: result.map((each) => each.value[0] * 1000) },
      ...names.map((name) => ({ name, type: D.FieldType.string, config: { filterable: true }, values: result.map((each) => each.metric[name] ?? '') })),
      { name: 'Value', type: D.FieldType.number, values: result.map((each) => number(each.value[1])) },
    ] })];
  }
  return result.map((each) => {
    const points = each.values ?? [each.value];
    return D.toDataFrame({ refId: 'A', name: legendOf(legendFormat, each.metric), fields: [
      { name: 'Time', type: D.FieldType.time, values: points.map(([at]) => at * 1000) },
      { name: 'Value', type: D.FieldType.number, labels: each.metric, values: points.map(([, value]) => number(value)),
        config: { displayNameFromDS: legendOf(legendFormat, each.metric) } },
    ] });
  });
}

function finite(config) { // the base of thresholds is null in JSON
  const text = JSON.stringify(config);
  const copy = JSON.parse(text);
  const steps = copy.defaults.thresholds?.steps ?? [];
  if (steps.length && steps[0].value === null) steps[0].value = -Infinity;
  return copy;
}

async function prepare(panel, result) {
  const fieldConfig = finite(panel.fieldConfig);
  const transformed = await lastValueFrom(D.transformDataFrame(panel.transformations ?? [], framesOf(panel, result)));
  const data = D.applyFieldOverrides({ data: transformed, fieldConfig, theme, replaceVariables: (text) => text, timeZone: 'utc', fieldConfigRegistry: registryOf(panel) });
  data.forEach((frame, index) => frame.fields.forEach((field) => { field.state = { ...field.state, seriesIndex: field.type === 'number' ? index : undefined }; }));
  D.cacheFieldDisplayNames(data);
  return { fieldConfig, data };
}

function Body({ panel, prepared, range, width, height }) {
  const { fieldConfig, data } = prepared;
  if (!data.length || data.every((frame) => !frame.length)) return <div style={{ textAlign: 'center', paddingTop: height / 3 }}>No data</div>;
  if (panel.type === 'timeseries') {
    return <ui.TimeSeries width={width} height={height} frames={data} timeRange={range} timeZone="utc" legend={panel.options.legend} />;
  }
  if (panel.type === 'table') {
    return <unstable.TableNG width={width} height={height} data={data[0]} noHeader={false} enableVirtualization={false} fieldConfig={fieldConfig} timeRange={range} structureRev={1} cellHeight="sm" initialSortBy={panel.options.sortBy} />;
  }
  const values = D.getFieldDisplayValues({ fieldConfig, reduceOptions: { calcs: ['lastNotNull'], values: false }, replaceVariables: (text) => text, theme, data, sparkline: false, timeZone: 'utc' });
  if (panel.type === 'stat') {
    const text = panel.options.textMode;
    return <div style={{ display: 'flex', flexWrap: 'wrap' }}>{values.map((value, index) => <ui.BigValue key={index} value={value.display} width={width / values.length} height={height} theme={theme} colorMode="value" graphMode="none" textMode={text} justifyMode="auto" count={values.length} />)}</div>;
  }
  return <div>{values.map((value, index) => <ui.BarGauge key={index} value={value.display} field={value.field} width={width} height={Math.min(40, height / values.length - 4)} theme={theme} orientation="horizontal" displayMode={panel.options.displayMode} valueDisplayMode={panel.options.valueMode} namePlacement="left" showUnfilled alignmentFactors={D.getDisplayValueAlignmentFactors(values)} />)}</div>;
}

class Guard extends React.Component {
  state = {};
  static getDerivedStateFromError(error) { return { error }; }
  render() { return this.state.error ? <pre className="broken" style={{ color: 'red', whiteSpace: 'pre-wrap' }}>{String(this.state.error.stack).slice(0, 600)}</pre> : this.props.children; }
}

function Board({ board, prepared, range }) {
  const rows = board.panels.filter((each) => each.type === 'row');
  const panels = [...board.panels.filter((each) => each.type !== 'row'), ...rows.flatMap((each) => each.panels ?? [])];
  const place = ({ x, y, w, h }) => ({ position: 'absolute', left: x * COLUMN, top: y * ROW + 50, width: w * COLUMN - GAP, height: h * ROW - GAP });
  const bottom = Math.max(...panels.map(({ gridPos }) => (gridPos.y + gridPos.h) * ROW)) + 60;
  document.body.dataset.height = bottom;
  return <div style={{ position: 'relative', width: WIDTH, height: bottom }}>
    <h2 style={{ position: 'absolute', left: 8, top: 0 }}>{board.title}</h2>
    {rows.map((row) => <div key={row.id} style={{ ...place(row.gridPos), fontWeight: 500 }}>{row.collapsed ? '▸' : '▾'} {row.title}</div>)}
    {panels.map((panel) => <div key={panel.id} style={place(panel.gridPos)}><Guard>
      <ui.PanelChrome title={panel.title} description={panel.description} width={panel.gridPos.w * COLUMN - GAP} height={panel.gridPos.h * ROW - GAP}>
        {(width, height) => <Body panel={panel} prepared={prepared[panel.id]} range={range} width={width} height={height} />}
      </ui.PanelChrome>
    </Guard></div>)}
  </div>;
}

(async () => {
  await initPluginTranslations('grafana', []).catch(() => {});
  const { boards, from, to } = window.COLLECTED;
  const { board, results } = boards[new URLSearchParams(location.search).get('board')];
  const all = [...board.panels.filter((each) => each.type !== 'row'), ...board.panels.flatMap((each) => each.panels ?? [])];
  const prepared = {};
  for (const panel of all) prepared[panel.id] = await prepare(panel, results[panel.id]);
  const range = { from: D.dateTime(from * 1000), to: D.dateTime(to * 1000), raw: { from: 'now-1m', to: 'now' } };
  createRoot(document.getElementById('root')).render(<ui.ThemeContext.Provider value={theme}>
    <ui.GlobalStyles isExtensionSidebarOpen={false} hackNoBackdropBlur={true} /><ui.PortalContainer />
    <Board board={board} prepared={prepared} range={range} />
  </ui.ThemeContext.Provider>);
  document.title = 'ready';
})();
