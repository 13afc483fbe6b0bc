import { chromium } from 'playwright-core';
const b = await chromium.launch({executablePath:'/usr/bin/chromium',args:['--no-sandbox','--disable-gpu','--use-fake-device-for-media-stream','--use-fake-ui-for-media-stream']});
for (const [name,size,scheme] of [['desk',{width:1280,height:800},'light'],['desk-dark',{width:1280,height:800},'dark'],['ph',{width:375,height:740},'light'],['ph-dark',{width:375,height:740},'dark']]) {
  const c = await b.newContext({viewport:size,colorScheme:scheme, permissions:['microphone']});
  const p = await c.newPage();
  p.on('console',m=>console.log(name,m.text())); p.on('pageerror',e=>console.log(name,'ERR',e.message));
  await p.goto('http://127.0.0.1:4070/'); await p.waitForTimeout(1500);
  await p.screenshot({path:`.cache/try/insp-${name}.png`,fullPage:true});
  await p.goto('http://127.0.0.1:4070/phone'); await p.waitForTimeout(1000);
  await p.screenshot({path:`.cache/try/phone-${name}.png`});
  await c.close();
}
await b.close();
